{#
    What the metrics of collections must add up to, counted by PostgreSQL from its own rows. Written from the
    catalog, apart from the events models: the second bookkeeper.
    A branch of the union is a metric or a part of one.
#}

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Item', "collectionId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from {{ source_in_postgres('CollectionItem') }}

    union all

    select 'Follower', "collectionId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from {{ source_in_postgres('CollectionContributor') }}
    where 'VIEW' = any(permissions)

    union all

    select 'Contributor', "collectionId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from {{ source_in_postgres('CollectionContributor') }}
    where 'ADD' = any(permissions)
)

{{ expected_counts('events', entity_type='Collection') }}
