with collected as (
    select
        "articleId" as entity_id,
        count(*) filter (where coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00') < timestamp '2024-08-07 15:44:39.044') as expected,
        count(*) as expected_now
    from "public"."CollectionItem"
    group by "articleId"
),

tipped as (
    select
        "entityId" as entity_id,
        count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as tips_before,
        count(*) as tips,
        sum(amount) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as amount_before,
        sum(amount) as amount
    from "public"."BuzzTip"
    where "entityType" = 'Article'
    group by "entityId"
),

counts (metric_type, entity_id, expected, expected_now) as (
    -- an article in a collection is both
    select 'Favorite', entity_id, expected, expected_now
    from collected

    union all

    select 'Collection', entity_id, expected, expected_now
    from collected

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."articleId", count(*) filter (where c."createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."CommentV2" as c
    inner join "public"."Thread" as t on c."threadId" = t.id
    group by t."articleId"

    union all

    select 'Reaction' || reaction, "articleId", count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."ArticleReaction"
    group by "articleId", reaction

    union all

    select 'TipCount', entity_id, tips_before, tips
    from tipped

    union all

    select 'TipAmount', entity_id, amount_before, amount
    from tipped

    union all

    select 'Hide', "articleId", count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."ArticleEngagement"
    where type = 'Hide'
    group by "articleId"
)

select
    'Article' as entity_type,
    c.entity_id::bigint as entity_id,
    c.metric_type::text as metric_type,
    coalesce(c.expected, 0)::bigint as expected,
    c.expected_now::bigint as expected_now
from counts as c
inner join "public"."Article" as owners on c.entity_id = owners.id
