with contributed as (
    select
        "collectionId" as entity_id,
        'VIEW' = any(permissions) as follows,
        'ADD' = any(permissions) as contributes,
        count(*) filter (where coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00') < timestamp '2024-08-07 15:44:39.044') as expected,
        count(*) as expected_now
    from "public"."CollectionContributor"
    group by "collectionId", follows, contributes
),

counts (metric_type, entity_id, expected, expected_now) as (
    select 'Item', "collectionId", count(*) filter (where coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00') < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."CollectionItem"
    group by "collectionId"

    union all

    select 'Follower', entity_id, sum(expected), sum(expected_now)
    from contributed
    where follows
    group by entity_id

    union all

    select 'Contributor', entity_id, sum(expected), sum(expected_now)
    from contributed
    where contributes
    group by entity_id
)

select
    'Collection' as entity_type,
    c.entity_id::bigint as entity_id,
    c.metric_type::text as metric_type,
    coalesce(c.expected, 0)::bigint as expected,
    c.expected_now::bigint as expected_now
from counts as c
inner join "public"."Collection" as owners on c.entity_id = owners.id
