-- Expected events of Collection before the cutoff: their number and the sum of their values, per metric.
-- Written from the catalog, apart from the models. A branch of the union is a metric or a part of one.
-- The last select holds what is true of every event: the collection exists, before the cutoff, value not 0.

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Item', "collectionId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "CollectionItem"

    union all

    select 'Follower', "collectionId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "CollectionContributor"
    where 'VIEW' = any(permissions)

    union all

    select 'Contributor', "collectionId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "CollectionContributor"
    where 'ADD' = any(permissions)
)

select
    'Collection' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type,
    count(*) as events,
    sum(e.metric_value)::bigint as expected
from events as e
inner join "Collection" as owners on e.entity_id = owners.id
where
    e.created_at < %(cutoff)s
    and e.metric_value <> 0
group by e.entity_id, e.metric_type
order by e.entity_id, e.metric_type
