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
    ['User', 'Post', 'Post', 'Post', 'Post', 'Post', 'Image', 'Image', 'Image', 'Image'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['UserImageReaction', 'ReactionLike', 'ReactionDislike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart', 'ReactionLike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(ownerId in (select id from `metrics`.`stg_user`), 1, 0),                         ownerId, userId, 1), -- User UserImageReaction
            (if(reaction = 'Like' and postId in (select id from `metrics`.`stg_post`), 2, 0),    postId,  userId, 1), -- Post ReactionLike
            (if(reaction = 'Dislike' and postId in (select id from `metrics`.`stg_post`), 3, 0), postId,  userId, 1), -- Post ReactionDislike
            (if(reaction = 'Laugh' and postId in (select id from `metrics`.`stg_post`), 4, 0),   postId,  userId, 1), -- Post ReactionLaugh
            (if(reaction = 'Cry' and postId in (select id from `metrics`.`stg_post`), 5, 0),     postId,  userId, 1), -- Post ReactionCry
            (if(reaction = 'Heart' and postId in (select id from `metrics`.`stg_post`), 6, 0),   postId,  userId, 1), -- Post ReactionHeart
            (if(reaction = 'Like', 7, 0),                                                        imageId, userId, 1), -- Image ReactionLike
            (if(reaction = 'Laugh', 8, 0),                                                       imageId, userId, 1), -- Image ReactionLaugh
            (if(reaction = 'Cry', 9, 0),                                                         imageId, userId, 1), -- Image ReactionCry
            (if(reaction = 'Heart', 10, 0),                                                      imageId, userId, 1) -- Image ReactionHeart
        ])) as event
    from reaction
)
