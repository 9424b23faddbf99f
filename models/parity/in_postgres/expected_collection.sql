{#
    What the metrics of collections must add up to, counted by PostgreSQL from its own rows. Written apart from the
    events models: the second bookkeeper. Each table is read once.
#}

{% set added_at = 'coalesce("createdAt", "updatedAt", timestamp \'2022-11-01 00:00:00\')' %}

with contributed as (
    select
        "collectionId" as entity_id,
        'VIEW' = any(permissions) as follows,
        'ADD' = any(permissions) as contributes,
        count(*) {{ before_cutoff(added_at, 'Collection') }} as expected,
        count(*) as expected_now
    from {{ source_in_postgres('CollectionContributor') }}
    group by "collectionId", follows, contributes
),

counts (metric_type, entity_id, expected, expected_now) as (
    select 'Item', "collectionId", count(*) {{ before_cutoff(added_at, 'Collection') }}, count(*)
    from {{ source_in_postgres('CollectionItem') }}
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

{{ expected_counts('counts', entity_type='Collection') }}
