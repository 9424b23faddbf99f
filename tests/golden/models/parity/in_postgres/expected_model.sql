with -- however many collections of a user hold a model, it counts once: since the earliest
collected as (
    select
        entity_id,
        count(*) filter (where created_at < timestamp '2024-08-07 15:44:39.044') as expected,
        count(*) as expected_now
    from (
        select
            "modelId" as entity_id,
            min(coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')) as created_at
        from "public"."CollectionItem"
        where "addedById" is not null
        group by "modelId", "addedById"
    ) as collectors
    group by entity_id
),

-- so does a user who comments
commented as (
    select
        "modelId" as entity_id,
        min("createdAt") as created_at
    from "public"."Comment"
    where not "tosViolation"
    group by "modelId", "userId"
),

reviewed as (
    with thumbs as (
        select
            "modelId" as entity_id,
            recommended,
            min("createdAt") as created_at,
            count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as reviews_before,
            count(*) as reviews,
            sum(rating) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as rating_before,
            sum(rating) as rating
        from "public"."ResourceReview"
        where not exclude and not "tosViolation"
        group by "modelId", "userId", recommended
    )

    select 'Rating' as metric_type, entity_id, sum(rating_before) as expected, sum(rating) as expected_now
    from thumbs
    group by entity_id

    union all

    select 'RatingCount', entity_id, sum(reviews_before), sum(reviews)
    from thumbs
    group by entity_id

    union all

    select case when recommended then 'ThumbsUp' else 'ThumbsDown' end, entity_id, count(*) filter (where created_at < timestamp '2024-08-07 15:44:39.044'), count(*)
    from thumbs
    group by entity_id, recommended
),

goals as (
    select
        g.id,
        -- the goal's own columns; if the table lacks one, the null beside the goal
        (
            select
                case
                    when "entityType" is null then "modelVersionId"
                    when "entityType" = 'ModelVersion' then coalesce("entityId", "modelVersionId")
                end
            from (select g.*) as goal
        ) as version_id
    from "public"."DonationGoal" as g
    cross join (select null::int as "modelVersionId", null::text as "entityType", null::int as "entityId") as absent
),

-- a donation to a goal of a version is a tip to the version and to its model
gifts (entity_id, amount, created_at) as (
    select "entityId", amount, "createdAt"
    from "public"."BuzzTip"
    where "entityType" = 'Model'

    union all

    select v."modelId", d.amount, d."createdAt"
    from "public"."Donation" as d
    inner join goals as g on d."donationGoalId" = g.id
    inner join "public"."ModelVersion" as v on g.version_id = v.id
),

tipped as (
    select
        entity_id,
        count(*) filter (where created_at < timestamp '2024-08-07 15:44:39.044') as tips_before,
        count(*) as tips,
        sum(amount) filter (where created_at < timestamp '2024-08-07 15:44:39.044') as amount_before,
        sum(amount) as amount
    from gifts
    group by entity_id
),

counts (metric_type, entity_id, expected, expected_now) as (
    select metric_type, entity_id, expected, expected_now
    from reviewed

    union all

    select 'Favorite', entity_id, expected, expected_now
    from collected

    union all

    select 'Collection', entity_id, expected, expected_now
    from collected

    union all

    select 'Comment', entity_id, count(*) filter (where created_at < timestamp '2024-08-07 15:44:39.044'), count(*)
    from commented
    group by entity_id

    union all

    select 'Image', v."modelId", count(*) filter (where i."createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."ImageResourceNew" as r
    inner join "public"."Image" as i on r."imageId" = i.id
    inner join "public"."ModelVersion" as v on r."modelVersionId" = v.id
    group by v."modelId"

    union all

    select 'TipCount', entity_id, tips_before, tips
    from tipped

    union all

    select 'TipAmount', entity_id, amount_before, amount
    from tipped
)

select
    'Model' as entity_type,
    c.entity_id::bigint as entity_id,
    c.metric_type::text as metric_type,
    coalesce(c.expected, 0)::bigint as expected,
    c.expected_now::bigint as expected_now
from counts as c
inner join "public"."Model" as owners on c.entity_id = owners.id
