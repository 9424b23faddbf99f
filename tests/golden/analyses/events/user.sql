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
    assumeNotNull(ownerId) as entityId,
    ifNull(userId, 0) as userId,
    'UserImageReaction' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where ownerId in (select id from `metrics`.`stg_user`);

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
        modelVersionId in (
            select versions.id
            from `metrics`.`stg_model_version` as versions
            where versions.status = 'Published'
        ) as ofPublishedVersion,
        createdAt
    from `metrics`.`stg_resource_review`
)

select
    'User' as entityType,
    assumeNotNull(userId) as entityId,
    ifNull(userId, 0) as userId,
    'Review' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from review
where
    ofPublishedVersion
    and userId in (select id from `metrics`.`stg_user`);

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
    assumeNotNull(userId) as entityId,
    ifNull(userId, 0) as userId,
    'Following' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from engagement
where
    type = 'Follow'
    and userId in (select id from `metrics`.`stg_user`);

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
    assumeNotNull(targetUserId) as entityId,
    ifNull(userId, 0) as userId,
    'Follower' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from engagement
where
    type = 'Follow'
    and targetUserId in (select id from `metrics`.`stg_user`);

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
    assumeNotNull(targetUserId) as entityId,
    ifNull(userId, 0) as userId,
    'Hidden' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from engagement
where
    type = 'Hide'
    and targetUserId in (select id from `metrics`.`stg_user`);
