{#
    What the metrics of users must add up to, counted by PostgreSQL from its own rows. Written from the
    catalog, apart from the events models: the second bookkeeper.
    A branch of the union is a metric or a part of one.
#}

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Following', "userId", 1, "createdAt"
    from {{ source_in_postgres('UserEngagement') }}
    where type = 'Follow'

    union all

    select 'Follower', "targetUserId", 1, "createdAt"
    from {{ source_in_postgres('UserEngagement') }}
    where type = 'Follow'

    union all

    select 'Hidden', "targetUserId", 1, "createdAt"
    from {{ source_in_postgres('UserEngagement') }}
    where type = 'Hide'

    union all

    -- the image's owner receives all five kinds of reaction
    select 'UserImageReaction', i."userId", 1, r."createdAt"
    from {{ source_in_postgres('ImageReaction') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id

    union all

    select 'Review', r."userId", 1, r."createdAt"
    from {{ source_in_postgres('ResourceReview') }} as r
    inner join {{ source_in_postgres('ModelVersion') }} as v on r."modelVersionId" = v.id
    where v.status = 'Published'
)

{{ expected_counts('events', entity_type='User') }}
