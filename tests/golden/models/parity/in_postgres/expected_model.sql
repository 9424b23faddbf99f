with donations as (
    select
        v."modelId",
        d.amount,
        d."createdAt"
    from "public"."Donation" as d
    inner join "public"."DonationGoal" as g on d."donationGoalId" = g.id
    inner join "public"."ModelVersion" as v on g."modelVersionId" = v.id
),

collected as (
    select
        "modelId",
        min(coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')) as created_at
    from "public"."CollectionItem"
    where "addedById" is not null
    group by "modelId", "addedById"
),

events (metric_type, entity_id, metric_value, created_at) as (
    select 'Rating', "modelId", rating, "createdAt"
    from "public"."ResourceReview"
    where not exclude and not "tosViolation"

    union all

    select 'RatingCount', "modelId", 1, "createdAt"
    from "public"."ResourceReview"
    where not exclude and not "tosViolation"

    union all

    select 'ThumbsUp', "modelId", 1, min("createdAt")
    from "public"."ResourceReview"
    where not exclude and not "tosViolation" and recommended
    group by "modelId", "userId"

    union all

    select 'ThumbsDown', "modelId", 1, min("createdAt")
    from "public"."ResourceReview"
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
    from "public"."Comment"
    where not "tosViolation"
    group by "modelId", "userId"

    union all

    select 'Image', v."modelId", 1, i."createdAt"
    from "public"."ImageResourceNew" as r
    inner join "public"."Image" as i on r."imageId" = i.id
    inner join "public"."ModelVersion" as v on r."modelVersionId" = v.id

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from "public"."BuzzTip"
    where "entityType" = 'Model'

    union all

    select 'TipCount', "modelId", 1, "createdAt"
    from donations

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from "public"."BuzzTip"
    where "entityType" = 'Model'

    union all

    select 'TipAmount', "modelId", amount, "createdAt"
    from donations
)

select
    'Model' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type::text as metric_type,
    coalesce(sum(e.metric_value) filter (where e.created_at < timestamp '2024-08-07 15:44:39.044'), 0)::bigint as expected,
    sum(e.metric_value)::bigint as expected_now
from events as e
inner join "public"."Model" as owners on e.entity_id = owners.id
where e.metric_value <> 0
group by e.entity_id, e.metric_type
