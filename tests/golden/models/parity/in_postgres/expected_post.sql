with tipped as (
    select
        "entityId" as entity_id,
        count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as tips_before,
        count(*) as tips,
        sum(amount) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as amount_before,
        sum(amount) as amount
    from "public"."BuzzTip"
    where "entityType" = 'Post'
    group by "entityId"
),

counts (metric_type, entity_id, expected, expected_now) as (
    select 'Collection', "postId", count(*) filter (where coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00') < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."CollectionItem"
    group by "postId"

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."postId", count(*) filter (where c."createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."CommentV2" as c
    inner join "public"."Thread" as t on c."threadId" = t.id
    group by t."postId"

    union all

    select 'Reaction' || r.reaction, i."postId", count(*) filter (where r."createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."ImageReaction" as r
    inner join "public"."Image" as i on r."imageId" = i.id
    where i."postId" is not null
    group by i."postId", r.reaction

    union all

    select 'TipCount', entity_id, tips_before, tips
    from tipped

    union all

    select 'TipAmount', entity_id, amount_before, amount
    from tipped
)

select
    'Post' as entity_type,
    c.entity_id::bigint as entity_id,
    c.metric_type::text as metric_type,
    coalesce(c.expected, 0)::bigint as expected,
    c.expected_now::bigint as expected_now
from counts as c
inner join "public"."Post" as owners on c.entity_id = owners.id
