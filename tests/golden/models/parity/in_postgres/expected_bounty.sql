with events (metric_type, entity_id, metric_value, created_at) as (
    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."bountyId", 1, c."createdAt"
    from "public"."CommentV2" as c
    inner join "public"."Thread" as t on c."threadId" = t.id

    union all

    select 'Favorite', "bountyId", 1, "createdAt"
    from "public"."BountyEngagement"
    where type = 'Favorite'

    union all

    select 'Track', "bountyId", 1, "createdAt"
    from "public"."BountyEngagement"
    where type = 'Track'

    union all

    select 'Entry', "bountyId", 1, "createdAt"
    from "public"."BountyEntry"

    union all

    select 'Benefactor', "bountyId", 1, "createdAt"
    from "public"."BountyBenefactor"

    union all

    select 'UnitAmount', "bountyId", "unitAmount", "createdAt"
    from "public"."BountyBenefactor"
)

select
    'Bounty' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type::text as metric_type,
    coalesce(sum(e.metric_value) filter (where e.created_at < timestamp '2024-08-07 15:44:39.044'), 0)::bigint as expected,
    sum(e.metric_value)::bigint as expected_now
from events as e
inner join "public"."Bounty" as owners on e.entity_id = owners.id
where e.metric_value <> 0
group by e.entity_id, e.metric_type
