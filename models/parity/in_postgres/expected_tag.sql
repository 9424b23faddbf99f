{#
    What the metrics of tags must add up to, counted by PostgreSQL from its own rows. Written apart from the
    events models: the second bookkeeper. Each table is read once.
#}

with counts (metric_type, entity_id, expected, expected_now) as (
    select case type when 'Hide' then 'Hidden' else 'Follower' end, "tagId", count(*) {{ before_cutoff('"createdAt"', 'Tag') }}, count(*)
    from {{ source_in_postgres('TagEngagement') }}
    where type in ('Hide', 'Follow')
    group by "tagId", type
)

{{ expected_counts('counts', entity_type='Tag') }}
