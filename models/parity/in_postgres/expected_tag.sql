{#
    What the metrics of tags must add up to, counted by PostgreSQL from its own rows. Written from the
    catalog, apart from the events models: the second bookkeeper.
    A branch of the union is a metric or a part of one.
#}

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Hidden', "tagId", 1, "createdAt"
    from {{ source_in_postgres('TagEngagement') }}
    where type = 'Hide'

    union all

    select 'Follower', "tagId", 1, "createdAt"
    from {{ source_in_postgres('TagEngagement') }}
    where type = 'Follow'
)

{{ expected_counts('events', entity_type='Tag') }}
