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
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

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
                'User', userId, userId, 'Review', 1, createdAt,
                modelVersionId in (select id from `metrics`.`stg_model_version` where status = 'Published') and userId in (select id from `metrics`.`stg_user`)
            )
        ]) as event
    from review
)
where event.7 and event.5 != 0;

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
                'User', userId, userId, 'Following', 1, createdAt,
                type = 'Follow' and userId in (select id from `metrics`.`stg_user`)
            )
        ]) as event
    from engagement
)
where event.7 and event.5 != 0;

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
                'User', targetUserId, userId, 'Follower', 1, createdAt,
                type = 'Follow' and targetUserId in (select id from `metrics`.`stg_user`)
            )
        ]) as event
    from engagement
)
where event.7 and event.5 != 0;

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
                'User', targetUserId, userId, 'Hidden', 1, createdAt,
                type = 'Hide' and targetUserId in (select id from `metrics`.`stg_user`)
            )
        ]) as event
    from engagement
)
where event.7 and event.5 != 0;
