-- User UserImageReaction, from image_reaction_events
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
    'User' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'UserImageReaction' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            ownerId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(ownerId in (select id from `metrics`.`stg_user`), 1, 0) -- User UserImageReaction
            ])) as metricNumber
        from reaction
    )
);

-- User Review, from resource_review_events
with review as (
    select
        id,
        modelId,
        modelVersionId,
        rating,
        recommended,
        userId,
        exclude,
        tosViolation,
        createdAt
    from `metrics`.`stg_resource_review`
)

select
    'User' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Review' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            userId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(modelVersionId in (select id from `metrics`.`stg_model_version` where status = 'Published') and userId in (select id from `metrics`.`stg_user`), 1, 0) -- User Review
            ])) as metricNumber
        from review
    )
);

-- User Following, from user_engagement_events
with engagement as (
    select
        userId,
        targetUserId,
        type,
        createdAt
    from `metrics`.`stg_user_engagement`
)

select
    'User' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Following' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            userId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(type = 'Follow' and userId in (select id from `metrics`.`stg_user`), 1, 0) -- User Following
            ])) as metricNumber
        from engagement
    )
);

-- User Follower, from user_engagement_events
with engagement as (
    select
        userId,
        targetUserId,
        type,
        createdAt
    from `metrics`.`stg_user_engagement`
)

select
    'User' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Follower' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            targetUserId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(type = 'Follow' and targetUserId in (select id from `metrics`.`stg_user`), 1, 0) -- User Follower
            ])) as metricNumber
        from engagement
    )
);

-- User Hidden, from user_engagement_events
with engagement as (
    select
        userId,
        targetUserId,
        type,
        createdAt
    from `metrics`.`stg_user_engagement`
)

select
    'User' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Hidden' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            targetUserId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(type = 'Hide' and targetUserId in (select id from `metrics`.`stg_user`), 1, 0) -- User Hidden
            ])) as metricNumber
        from engagement
    )
);
