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
    greatest(ifNull(event.5, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue, createdAt
            (if(ownerId in (select id from `metrics`.`stg_user`), 1, 0),                         ownerId, userId, 1, createdAt), -- User UserImageReaction
            (if(reaction = 'Like' and postId in (select id from `metrics`.`stg_post`), 2, 0),    postId,  userId, 1, createdAt), -- Post ReactionLike
            (if(reaction = 'Dislike' and postId in (select id from `metrics`.`stg_post`), 3, 0), postId,  userId, 1, createdAt), -- Post ReactionDislike
            (if(reaction = 'Laugh' and postId in (select id from `metrics`.`stg_post`), 4, 0),   postId,  userId, 1, createdAt), -- Post ReactionLaugh
            (if(reaction = 'Cry' and postId in (select id from `metrics`.`stg_post`), 5, 0),     postId,  userId, 1, createdAt), -- Post ReactionCry
            (if(reaction = 'Heart' and postId in (select id from `metrics`.`stg_post`), 6, 0),   postId,  userId, 1, createdAt), -- Post ReactionHeart
            (if(reaction = 'Like', 7, 0),                                                        imageId, userId, 1, createdAt), -- Image ReactionLike
            (if(reaction = 'Laugh', 8, 0),                                                       imageId, userId, 1, createdAt), -- Image ReactionLaugh
            (if(reaction = 'Cry', 9, 0),                                                         imageId, userId, 1, createdAt), -- Image ReactionCry
            (if(reaction = 'Heart', 10, 0),                                                      imageId, userId, 1, createdAt) -- Image ReactionHeart
        ])) as event
    from reaction
)
