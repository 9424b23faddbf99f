-- Expected events of Bounty before the cutoff: their number and the sum of their values, per metric.
-- Written from the catalog, apart from the models. A branch of the union is a metric or a part of one.
-- The last select holds what is true of every event: the bounty exists, before the cutoff, value not 0.

with events (metric_type, entity_id, metric_value, created_at) as (
    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."bountyId", 1, c."createdAt"
    from "CommentV2" as c
    inner join "Thread" as t on c."threadId" = t.id

    union all

    select 'Favorite', "bountyId", 1, "createdAt"
    from "BountyEngagement"
    where type = 'Favorite'

    union all

    select 'Track', "bountyId", 1, "createdAt"
    from "BountyEngagement"
    where type = 'Track'

    union all

    select 'Entry', "bountyId", 1, "createdAt"
    from "BountyEntry"

    union all

    select 'Benefactor', "bountyId", 1, "createdAt"
    from "BountyBenefactor"

    union all

    select 'UnitAmount', "bountyId", "unitAmount", "createdAt"
    from "BountyBenefactor"
)

select
    'Bounty' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type,
    count(*) as events,
    sum(e.metric_value)::bigint as expected
from events as e
inner join "Bounty" as owners on e.entity_id = owners.id
where
    e.created_at < %(cutoff)s
    and e.metric_value <> 0
group by e.entity_id, e.metric_type
order by e.entity_id, e.metric_type
