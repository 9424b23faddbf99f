-- Expected events of BountyEntry before the cutoff: their number and the sum of their values, per metric.
-- Written from the catalog, apart from the models. A branch of the union is a metric or a part of one.
-- The last select holds what is true of every event: the entry exists, before the cutoff, value not 0.

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'ReactionLike', "bountyEntryId", 1, "createdAt"
    from "BountyEntryReaction"
    where reaction = 'Like'

    union all

    select 'ReactionDislike', "bountyEntryId", 1, "createdAt"
    from "BountyEntryReaction"
    where reaction = 'Dislike'

    union all

    select 'ReactionLaugh', "bountyEntryId", 1, "createdAt"
    from "BountyEntryReaction"
    where reaction = 'Laugh'

    union all

    select 'ReactionCry', "bountyEntryId", 1, "createdAt"
    from "BountyEntryReaction"
    where reaction = 'Cry'

    union all

    select 'ReactionHeart', "bountyEntryId", 1, "createdAt"
    from "BountyEntryReaction"
    where reaction = 'Heart'

    union all

    -- both spellings, each row one event
    select 'TipCount', "entityId", 1, "createdAt"
    from "BuzzTip"
    where "entityType" in ('BountyEntry', 'bountyEntry')

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from "BuzzTip"
    where "entityType" in ('BountyEntry', 'bountyEntry')

    union all

    -- the entry that the benefactor awarded, not a user
    select 'UnitAmount', "awardedToId", "unitAmount", coalesce("awardedAt", "updatedAt")
    from "BountyBenefactor"
    where "awardedToId" is not null
)

select
    'BountyEntry' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type,
    count(*) as events,
    sum(e.metric_value)::bigint as expected
from events as e
inner join "BountyEntry" as owners on e.entity_id = owners.id
where
    e.created_at < %(cutoff)s
    and e.metric_value <> 0
group by e.entity_id, e.metric_type
order by e.entity_id, e.metric_type
