with events (metric_type, entity_id, metric_value, created_at) as (
    select 'ReactionLike', "bountyEntryId", 1, "createdAt"
    from "public"."BountyEntryReaction"
    where reaction = 'Like'

    union all

    select 'ReactionDislike', "bountyEntryId", 1, "createdAt"
    from "public"."BountyEntryReaction"
    where reaction = 'Dislike'

    union all

    select 'ReactionLaugh', "bountyEntryId", 1, "createdAt"
    from "public"."BountyEntryReaction"
    where reaction = 'Laugh'

    union all

    select 'ReactionCry', "bountyEntryId", 1, "createdAt"
    from "public"."BountyEntryReaction"
    where reaction = 'Cry'

    union all

    select 'ReactionHeart', "bountyEntryId", 1, "createdAt"
    from "public"."BountyEntryReaction"
    where reaction = 'Heart'

    union all

    -- both spellings, each row one event
    select 'TipCount', "entityId", 1, "createdAt"
    from "public"."BuzzTip"
    where "entityType" in ('BountyEntry', 'bountyEntry')

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from "public"."BuzzTip"
    where "entityType" in ('BountyEntry', 'bountyEntry')

    union all

    -- the entry that the benefactor awarded, not a user
    select 'UnitAmount', "awardedToId", "unitAmount", coalesce("awardedAt", "updatedAt")
    from "public"."BountyBenefactor"
    where "awardedToId" is not null
)

select
    'BountyEntry' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type::text as metric_type,
    coalesce(sum(e.metric_value) filter (where e.created_at < timestamp '2024-08-07 15:44:39.044'), 0)::bigint as expected,
    sum(e.metric_value)::bigint as expected_now
from events as e
inner join "public"."BountyEntry" as owners on e.entity_id = owners.id
where e.metric_value <> 0
group by e.entity_id, e.metric_type
