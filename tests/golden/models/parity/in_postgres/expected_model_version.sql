with donations as (
    select
        g."modelVersionId",
        d.amount,
        d."createdAt"
    from "public"."Donation" as d
    inner join "public"."DonationGoal" as g on d."donationGoalId" = g.id
),

-- through jsonb, as the column "modelVersionId" may be absent: then no item has a version
items as (
    select
        i."addedById",
        (to_jsonb(i) ->> 'modelVersionId')::int as version_id,
        coalesce(i."createdAt", i."updatedAt", timestamp '2022-11-01 00:00:00') as created_at
    from "public"."CollectionItem" as i
),

events (metric_type, entity_id, metric_value, created_at) as (
    select 'Rating', "modelVersionId", rating, "createdAt"
    from "public"."ResourceReview"
    where not exclude and not "tosViolation"

    union all

    select 'RatingCount', "modelVersionId", 1, "createdAt"
    from "public"."ResourceReview"
    where not exclude and not "tosViolation"

    union all

    select 'ThumbsUp', "modelVersionId", 1, min("createdAt")
    from "public"."ResourceReview"
    where not exclude and not "tosViolation" and recommended
    group by "modelVersionId", "userId"

    union all

    select 'ThumbsDown', "modelVersionId", 1, min("createdAt")
    from "public"."ResourceReview"
    where not exclude and not "tosViolation" and not recommended
    group by "modelVersionId", "userId"

    union all

    select 'Collection', version_id, 1, min(created_at)
    from items
    where "addedById" is not null
    group by version_id, "addedById"

    union all

    select 'Image', r."modelVersionId", 1, i."createdAt"
    from "public"."ImageResourceNew" as r
    inner join "public"."Image" as i on r."imageId" = i.id

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from "public"."BuzzTip"
    where "entityType" = 'ModelVersion'

    union all

    select 'TipCount', "modelVersionId", 1, "createdAt"
    from donations

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from "public"."BuzzTip"
    where "entityType" = 'ModelVersion'

    union all

    select 'TipAmount', "modelVersionId", amount, "createdAt"
    from donations
)

select
    'ModelVersion' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type::text as metric_type,
    coalesce(sum(e.metric_value) filter (where e.created_at < timestamp '2024-08-07 15:44:39.044'), 0)::bigint as expected,
    sum(e.metric_value)::bigint as expected_now
from events as e
inner join "public"."ModelVersion" as owners on e.entity_id = owners.id
where e.metric_value <> 0
group by e.entity_id, e.metric_type
