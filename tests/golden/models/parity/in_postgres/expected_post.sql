with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Collection', "postId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "public"."CollectionItem"

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."postId", 1, c."createdAt"
    from "public"."CommentV2" as c
    inner join "public"."Thread" as t on c."threadId" = t.id

    union all

    select 'ReactionLike', i."postId", 1, r."createdAt"
    from "public"."ImageReaction" as r
    inner join "public"."Image" as i on r."imageId" = i.id
    where r.reaction = 'Like' and i."postId" is not null

    union all

    select 'ReactionDislike', i."postId", 1, r."createdAt"
    from "public"."ImageReaction" as r
    inner join "public"."Image" as i on r."imageId" = i.id
    where r.reaction = 'Dislike' and i."postId" is not null

    union all

    select 'ReactionLaugh', i."postId", 1, r."createdAt"
    from "public"."ImageReaction" as r
    inner join "public"."Image" as i on r."imageId" = i.id
    where r.reaction = 'Laugh' and i."postId" is not null

    union all

    select 'ReactionCry', i."postId", 1, r."createdAt"
    from "public"."ImageReaction" as r
    inner join "public"."Image" as i on r."imageId" = i.id
    where r.reaction = 'Cry' and i."postId" is not null

    union all

    select 'ReactionHeart', i."postId", 1, r."createdAt"
    from "public"."ImageReaction" as r
    inner join "public"."Image" as i on r."imageId" = i.id
    where r.reaction = 'Heart' and i."postId" is not null

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from "public"."BuzzTip"
    where "entityType" = 'Post'

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from "public"."BuzzTip"
    where "entityType" = 'Post'
)

select
    'Post' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type::text as metric_type,
    coalesce(sum(e.metric_value) filter (where e.created_at < timestamp '2024-08-07 15:44:39.044'), 0)::bigint as expected,
    sum(e.metric_value)::bigint as expected_now
from events as e
inner join "public"."Post" as owners on e.entity_id = owners.id
where e.metric_value <> 0
group by e.entity_id, e.metric_type
