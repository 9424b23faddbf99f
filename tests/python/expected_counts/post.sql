-- Expected events of Post before the cutoff: their number and the sum of their values, per metric.
-- Written from the catalog, apart from the models. A branch of the union is a metric or a part of one.
-- The last select holds what is true of every event: the post exists, before the cutoff, value not 0.

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Collection', "postId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "CollectionItem"

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."postId", 1, c."createdAt"
    from "CommentV2" as c
    inner join "Thread" as t on c."threadId" = t.id

    union all

    select 'ReactionLike', i."postId", 1, r."createdAt"
    from "ImageReaction" as r
    inner join "Image" as i on r."imageId" = i.id
    where r.reaction = 'Like' and i."postId" is not null

    union all

    select 'ReactionDislike', i."postId", 1, r."createdAt"
    from "ImageReaction" as r
    inner join "Image" as i on r."imageId" = i.id
    where r.reaction = 'Dislike' and i."postId" is not null

    union all

    select 'ReactionLaugh', i."postId", 1, r."createdAt"
    from "ImageReaction" as r
    inner join "Image" as i on r."imageId" = i.id
    where r.reaction = 'Laugh' and i."postId" is not null

    union all

    select 'ReactionCry', i."postId", 1, r."createdAt"
    from "ImageReaction" as r
    inner join "Image" as i on r."imageId" = i.id
    where r.reaction = 'Cry' and i."postId" is not null

    union all

    select 'ReactionHeart', i."postId", 1, r."createdAt"
    from "ImageReaction" as r
    inner join "Image" as i on r."imageId" = i.id
    where r.reaction = 'Heart' and i."postId" is not null

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from "BuzzTip"
    where "entityType" = 'Post'

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from "BuzzTip"
    where "entityType" = 'Post'
)

select
    'Post' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type,
    count(*) as events,
    sum(e.metric_value)::bigint as expected
from events as e
inner join "Post" as owners on e.entity_id = owners.id
where
    e.created_at < %(cutoff)s
    and e.metric_value <> 0
group by e.entity_id, e.metric_type
order by e.entity_id, e.metric_type
