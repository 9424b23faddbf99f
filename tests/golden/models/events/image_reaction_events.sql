with reaction as (
    select
        reactions.imageId as imageId,
        images.postId as postId,
        images.userId as ownerId,
        reactions.userId as userId,
        reactions.reaction as reaction,
        reactions.createdAt as createdAt
    from `metrics`.`stg_image_reaction` as reactions
    inner join `metrics`.`stg_image` as images on reactions.imageId = images.id
)

select
    ['User', 'Post', 'Post', 'Post', 'Post', 'Post', 'Image', 'Image', 'Image', 'Image'][toLowCardinality(metricNumber)] as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    ['UserImageReaction', 'ReactionLike', 'ReactionDislike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart', 'ReactionLike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart'][toLowCardinality(metricNumber)] as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            [ownerId, postId, imageId][[1, 2, 2, 2, 2, 2, 3, 3, 3, 3][metricNumber]],
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(ownerId in (select id from `metrics`.`stg_user`), 1, 0), -- User UserImageReaction
                if(reaction = 'Like' and postId in (select id from `metrics`.`stg_post`), 2, 0), -- Post ReactionLike
                if(reaction = 'Dislike' and postId in (select id from `metrics`.`stg_post`), 3, 0), -- Post ReactionDislike
                if(reaction = 'Laugh' and postId in (select id from `metrics`.`stg_post`), 4, 0), -- Post ReactionLaugh
                if(reaction = 'Cry' and postId in (select id from `metrics`.`stg_post`), 5, 0), -- Post ReactionCry
                if(reaction = 'Heart' and postId in (select id from `metrics`.`stg_post`), 6, 0), -- Post ReactionHeart
                if(reaction = 'Like', 7, 0), -- Image ReactionLike
                if(reaction = 'Laugh', 8, 0), -- Image ReactionLaugh
                if(reaction = 'Cry', 9, 0), -- Image ReactionCry
                if(reaction = 'Heart', 10, 0) -- Image ReactionHeart
            ])) as metricNumber
        from reaction
    )
)
