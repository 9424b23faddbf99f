{#
    What the metrics of users must add up to, counted by PostgreSQL from its own rows. Written apart from the
    events models: the second bookkeeper. Each table is read once.
#}

with engaged as (
    select
        "userId",
        "targetUserId",
        type,
        "createdAt"
    from {{ source_in_postgres('UserEngagement') }}
    where type in ('Follow', 'Hide')
),

-- by image first: there are far fewer of them to find the owners of
reactions as (
    select
        "imageId",
        count(*) {{ before_cutoff('"createdAt"', 'User') }} as expected,
        count(*) as expected_now
    from {{ source_in_postgres('ImageReaction') }}
    {{- since_start('"createdAt"', '\n    where') }}
    group by "imageId"
),

counts (metric_type, entity_id, expected, expected_now) as (
    select 'Following', "userId", count(*) {{ before_cutoff('"createdAt"', 'User') }}, count(*)
    from engaged
    where type = 'Follow'
    group by "userId"

    union all

    select case type when 'Hide' then 'Hidden' else 'Follower' end, "targetUserId", count(*) {{ before_cutoff('"createdAt"', 'User') }}, count(*)
    from engaged
    group by "targetUserId", type

    union all

    -- the image's owner receives all five kinds of reaction
    select 'UserImageReaction', i."userId", sum(r.expected), sum(r.expected_now)
    from reactions as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
    group by i."userId"

    union all

    select 'Review', r."userId", count(*) {{ before_cutoff('r."createdAt"', 'User') }}, count(*)
    from {{ source_in_postgres('ResourceReview') }} as r
    inner join {{ source_in_postgres('ModelVersion') }} as v on r."modelVersionId" = v.id
    where v.status = 'Published'
    group by r."userId"
)

{{ expected_counts('counts', entity_type='User') }}
