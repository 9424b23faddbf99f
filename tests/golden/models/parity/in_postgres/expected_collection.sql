with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Item', "collectionId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "public"."CollectionItem"

    union all

    select 'Follower', "collectionId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "public"."CollectionContributor"
    where 'VIEW' = any(permissions)

    union all

    select 'Contributor', "collectionId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "public"."CollectionContributor"
    where 'ADD' = any(permissions)
)

select
    'Collection' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type::text as metric_type,
    coalesce(sum(e.metric_value) filter (where e.created_at < timestamp '2024-08-07 15:44:39.044'), 0)::bigint as expected,
    sum(e.metric_value)::bigint as expected_now
from events as e
inner join "public"."Collection" as owners on e.entity_id = owners.id
where e.metric_value <> 0
group by e.entity_id, e.metric_type
