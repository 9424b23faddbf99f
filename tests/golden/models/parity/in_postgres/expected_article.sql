with events (metric_type, entity_id, metric_value, created_at) as (
    -- an article in a collection is both
    select 'Favorite', "articleId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "public"."CollectionItem"

    union all

    select 'Collection', "articleId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "public"."CollectionItem"

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."articleId", 1, c."createdAt"
    from "public"."CommentV2" as c
    inner join "public"."Thread" as t on c."threadId" = t.id

    union all

    select 'ReactionLike', "articleId", 1, "createdAt"
    from "public"."ArticleReaction"
    where reaction = 'Like'

    union all

    select 'ReactionDislike', "articleId", 1, "createdAt"
    from "public"."ArticleReaction"
    where reaction = 'Dislike'

    union all

    select 'ReactionLaugh', "articleId", 1, "createdAt"
    from "public"."ArticleReaction"
    where reaction = 'Laugh'

    union all

    select 'ReactionCry', "articleId", 1, "createdAt"
    from "public"."ArticleReaction"
    where reaction = 'Cry'

    union all

    select 'ReactionHeart', "articleId", 1, "createdAt"
    from "public"."ArticleReaction"
    where reaction = 'Heart'

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from "public"."BuzzTip"
    where "entityType" = 'Article'

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from "public"."BuzzTip"
    where "entityType" = 'Article'

    union all

    select 'Hide', "articleId", 1, "createdAt"
    from "public"."ArticleEngagement"
    where type = 'Hide'
)

select
    'Article' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type::text as metric_type,
    coalesce(sum(e.metric_value) filter (where e.created_at < timestamp '2024-08-07 15:44:39.044'), 0)::bigint as expected,
    sum(e.metric_value)::bigint as expected_now
from events as e
inner join "public"."Article" as owners on e.entity_id = owners.id
where e.metric_value <> 0
group by e.entity_id, e.metric_type
