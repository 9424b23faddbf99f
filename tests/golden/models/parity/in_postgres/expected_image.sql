with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Collection', "imageId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from "public"."CollectionItem"

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."imageId", 1, c."createdAt"
    from "public"."CommentV2" as c
    inner join "public"."Thread" as t on c."threadId" = t.id

    union all

    -- no ReactionDislike for images
    select 'ReactionLike', "imageId", 1, "createdAt"
    from "public"."ImageReaction"
    where reaction = 'Like'

    union all

    select 'ReactionLaugh', "imageId", 1, "createdAt"
    from "public"."ImageReaction"
    where reaction = 'Laugh'

    union all

    select 'ReactionCry', "imageId", 1, "createdAt"
    from "public"."ImageReaction"
    where reaction = 'Cry'

    union all

    select 'ReactionHeart', "imageId", 1, "createdAt"
    from "public"."ImageReaction"
    where reaction = 'Heart'

    union all

    select 'Buzz', "entityId", amount, "createdAt"
    from "public"."BuzzTip"
    where "entityType" = 'Image'
)

select
    'Image' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type::text as metric_type,
    coalesce(sum(e.metric_value) filter (where e.created_at < timestamp '2024-08-07 15:44:39.044'), 0)::bigint as expected,
    sum(e.metric_value)::bigint as expected_now
from events as e
inner join "public"."Image" as owners on e.entity_id = owners.id
where e.metric_value <> 0
group by e.entity_id, e.metric_type
