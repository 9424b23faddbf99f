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
    event.1 as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    event.4 as metricType,
    event.5 as metricValue,
    ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        arrayJoin([
            -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event?
            (
                'User', ownerId, userId, 'UserImageReaction', 1, createdAt,
                ownerId in (select id from `metrics`.`stg_user`)
            ),
            (
                'Post', postId, userId, 'ReactionLike', 1, createdAt,
                reaction = 'Like' and postId in (select id from `metrics`.`stg_post`)
            ),
            (
                'Post', postId, userId, 'ReactionDislike', 1, createdAt,
                reaction = 'Dislike' and postId in (select id from `metrics`.`stg_post`)
            ),
            (
                'Post', postId, userId, 'ReactionLaugh', 1, createdAt,
                reaction = 'Laugh' and postId in (select id from `metrics`.`stg_post`)
            ),
            (
                'Post', postId, userId, 'ReactionCry', 1, createdAt,
                reaction = 'Cry' and postId in (select id from `metrics`.`stg_post`)
            ),
            (
                'Post', postId, userId, 'ReactionHeart', 1, createdAt,
                reaction = 'Heart' and postId in (select id from `metrics`.`stg_post`)
            ),
            (
                'Image', imageId, userId, 'ReactionLike', 1, createdAt,
                reaction = 'Like'
            ),
            (
                'Image', imageId, userId, 'ReactionLaugh', 1, createdAt,
                reaction = 'Laugh'
            ),
            (
                'Image', imageId, userId, 'ReactionCry', 1, createdAt,
                reaction = 'Cry'
            ),
            (
                'Image', imageId, userId, 'ReactionHeart', 1, createdAt,
                reaction = 'Heart'
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0
