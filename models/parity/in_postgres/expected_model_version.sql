{#
    What the metrics of model versions must add up to, counted by PostgreSQL from its own rows. Written from the
    catalog, apart from the events models: the second bookkeeper.
    A branch of the union is a metric or a part of one.
    Where only the earliest row of a group is an event, the time of that row decides.
#}

with donations as (
    select
        g."modelVersionId",
        d.amount,
        d."createdAt"
    from {{ source_in_postgres('Donation') }} as d
    inner join {{ source_in_postgres('DonationGoal') }} as g on d."donationGoalId" = g.id
),

-- through jsonb, as the column "modelVersionId" may be absent: then no item has a version
items as (
    select
        i."addedById",
        (to_jsonb(i) ->> 'modelVersionId')::int as version_id,
        coalesce(i."createdAt", i."updatedAt", timestamp '2022-11-01 00:00:00') as created_at
    from {{ source_in_postgres('CollectionItem') }} as i
),

events (metric_type, entity_id, metric_value, created_at) as (
    select 'Rating', "modelVersionId", rating, "createdAt"
    from {{ source_in_postgres('ResourceReview') }}
    where not exclude and not "tosViolation"

    union all

    select 'RatingCount', "modelVersionId", 1, "createdAt"
    from {{ source_in_postgres('ResourceReview') }}
    where not exclude and not "tosViolation"

    union all

    select 'ThumbsUp', "modelVersionId", 1, min("createdAt")
    from {{ source_in_postgres('ResourceReview') }}
    where not exclude and not "tosViolation" and recommended
    group by "modelVersionId", "userId"

    union all

    select 'ThumbsDown', "modelVersionId", 1, min("createdAt")
    from {{ source_in_postgres('ResourceReview') }}
    where not exclude and not "tosViolation" and not recommended
    group by "modelVersionId", "userId"

    union all

    select 'Collection', version_id, 1, min(created_at)
    from items
    where "addedById" is not null
    group by version_id, "addedById"

    union all

    select 'Image', r."modelVersionId", 1, i."createdAt"
    from {{ source_in_postgres('ImageResourceNew') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'ModelVersion'

    union all

    select 'TipCount', "modelVersionId", 1, "createdAt"
    from donations

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'ModelVersion'

    union all

    select 'TipAmount', "modelVersionId", amount, "createdAt"
    from donations
)

{{ expected_counts('events', entity_type='ModelVersion') }}
