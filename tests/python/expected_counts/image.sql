-- Expected events of Image before the cutoff: their number and the sum of their values, per metric.
-- Written from the catalog, apart from the models. A branch of the union is a metric or a part of one.
-- The last select holds what is true of every event: the image exists, before the cutoff, value not 0.

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Collection', "imageId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "CollectionItem"

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."imageId", 1, c."createdAt"
    from "CommentV2" as c
    inner join "Thread" as t on c."threadId" = t.id

    union all

    -- no ReactionDislike for images
    select 'ReactionLike', "imageId", 1, "createdAt"
    from "ImageReaction"
    where reaction = 'Like'

    union all

    select 'ReactionLaugh', "imageId", 1, "createdAt"
    from "ImageReaction"
    where reaction = 'Laugh'

    union all

    select 'ReactionCry', "imageId", 1, "createdAt"
    from "ImageReaction"
    where reaction = 'Cry'

    union all

    select 'ReactionHeart', "imageId", 1, "createdAt"
    from "ImageReaction"
    where reaction = 'Heart'

    union all

    select 'Buzz', "entityId", amount, "createdAt"
    from "BuzzTip"
    where "entityType" = 'Image'
)

select
    'Image' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type,
    count(*) as events,
    sum(e.metric_value)::bigint as expected
from events as e
inner join "Image" as owners on e.entity_id = owners.id
where
    e.created_at < %(cutoff)s
    and e.metric_value <> 0
group by e.entity_id, e.metric_type
order by e.entity_id, e.metric_type
