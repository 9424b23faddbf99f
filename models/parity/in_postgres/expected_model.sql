{#
    What the metrics of models must add up to, counted by PostgreSQL from its own rows. Written from the
    catalog, apart from the events models: the second bookkeeper.
    A branch of the union is a metric or a part of one.
    Where only the earliest row of a group is an event, the time of that row decides.
#}

with donations as (
    select
        v."modelId",
        d.amount,
        d."createdAt"
    from {{ source_in_postgres('Donation') }} as d
    inner join {{ source_in_postgres('DonationGoal') }} as g on d."donationGoalId" = g.id
    inner join {{ source_in_postgres('ModelVersion') }} as v on g."modelVersionId" = v.id
),

collected as (
    select
        "modelId",
        min(coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')) as created_at
    from {{ source_in_postgres('CollectionItem') }}
    where "addedById" is not null
    group by "modelId", "addedById"
),

events (metric_type, entity_id, metric_value, created_at) as (
    select 'Rating', "modelId", rating, "createdAt"
    from {{ source_in_postgres('ResourceReview') }}
    where not exclude and not "tosViolation"

    union all

    select 'RatingCount', "modelId", 1, "createdAt"
    from {{ source_in_postgres('ResourceReview') }}
    where not exclude and not "tosViolation"

    union all

    select 'ThumbsUp', "modelId", 1, min("createdAt")
    from {{ source_in_postgres('ResourceReview') }}
    where not exclude and not "tosViolation" and recommended
    group by "modelId", "userId"

    union all

    select 'ThumbsDown', "modelId", 1, min("createdAt")
    from {{ source_in_postgres('ResourceReview') }}
    where not exclude and not "tosViolation" and not recommended
    group by "modelId", "userId"

    union all

    select 'Favorite', "modelId", 1, created_at
    from collected

    union all

    select 'Collection', "modelId", 1, created_at
    from collected

    union all

    select 'Comment', "modelId", 1, min("createdAt")
    from {{ source_in_postgres('Comment') }}
    where not "tosViolation"
    group by "modelId", "userId"

    union all

    select 'Image', v."modelId", 1, i."createdAt"
    from {{ source_in_postgres('ImageResourceNew') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
    inner join {{ source_in_postgres('ModelVersion') }} as v on r."modelVersionId" = v.id

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Model'

    union all

    select 'TipCount', "modelId", 1, "createdAt"
    from donations

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Model'

    union all

    select 'TipAmount', "modelId", amount, "createdAt"
    from donations
)

{{ expected_counts('events', entity_type='Model') }}
