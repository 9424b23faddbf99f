-- Post Collection, from collection_item_events
with item as (
    select
        id,
        collectionId,
        modelId,
        postId,
        imageId,
        articleId,
        modelVersionId,
        addedById,
        coalesce(createdAt, updatedAt) as addedAt
    from `metrics`.`stg_collection_item`
)

select
    'Post' as entityType,
    assumeNotNull(postId) as entityId,
    ifNull(addedById, 0) as userId,
    'Collection' as metricType,
    1 as metricValue,
    greatest(ifNull(addedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from item
where postId in (select id from `metrics`.`stg_post`);

-- Post Comment, from comment_v2_events
with comment as (
    select
        threads.postId as postId,
        threads.imageId as imageId,
        threads.articleId as articleId,
        threads.bountyId as bountyId,
        comments.userId as userId,
        comments.createdAt as createdAt
    from `metrics`.`stg_comment_v2` as comments
    inner join `metrics`.`stg_thread` as threads on comments.threadId = threads.id
)

select
    'Post' as entityType,
    assumeNotNull(postId) as entityId,
    ifNull(userId, 0) as userId,
    'Comment' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from comment
where postId in (select id from `metrics`.`stg_post`);

-- Post ReactionLike, from image_reaction_events
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
    'Post' as entityType,
    assumeNotNull(postId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionLike' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Like'
    and postId in (select id from `metrics`.`stg_post`);

-- Post ReactionDislike, from image_reaction_events
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
    'Post' as entityType,
    assumeNotNull(postId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionDislike' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Dislike'
    and postId in (select id from `metrics`.`stg_post`);

-- Post ReactionLaugh, from image_reaction_events
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
    'Post' as entityType,
    assumeNotNull(postId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionLaugh' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Laugh'
    and postId in (select id from `metrics`.`stg_post`);

-- Post ReactionCry, from image_reaction_events
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
    'Post' as entityType,
    assumeNotNull(postId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionCry' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Cry'
    and postId in (select id from `metrics`.`stg_post`);

-- Post ReactionHeart, from image_reaction_events
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
    'Post' as entityType,
    assumeNotNull(postId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionHeart' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Heart'
    and postId in (select id from `metrics`.`stg_post`);

-- Post TipCount, from tip_events
with goal as (
    select
        id,
        -- the pair replaces the old column: a goal of another kind is for no version, whatever the old column says
        case
            when entityType = 'ModelVersion' then coalesce(entityId, modelVersionId)
            when entityType is null then modelVersionId
        end as versionId
    from `metrics`.`stg_donation_goal`
),

donation as (
    select
        versions.id as versionId,
        versions.modelId as modelId,
        donations.userId as userId,
        donations.amount as amount,
        donations.createdAt as createdAt
    from `metrics`.`stg_donation` as donations
    inner join goal as goals on donations.donationGoalId = goals.id
    inner join `metrics`.`stg_model_version` as versions on goals.versionId = versions.id
),

gift as (
    select
        case when entityType = 'bountyEntry' then 'BountyEntry' else entityType end as kind,
        entityId,
        fromUserId as userId,
        amount,
        createdAt
    from `metrics`.`stg_buzz_tip`

    union all

    select
        'ModelVersion' as kind,
        versionId as entityId,
        userId,
        amount,
        createdAt
    from donation

    union all

    select
        'Model' as kind,
        modelId as entityId,
        userId,
        amount,
        createdAt
    from donation
)

select
    'Post' as entityType,
    assumeNotNull(entityId) as entityId,
    ifNull(userId, 0) as userId,
    'TipCount' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from gift
where
    kind = 'Post'
    and entityId in (select id from `metrics`.`stg_post`);

-- Post TipAmount, from tip_events
with goal as (
    select
        id,
        -- the pair replaces the old column: a goal of another kind is for no version, whatever the old column says
        case
            when entityType = 'ModelVersion' then coalesce(entityId, modelVersionId)
            when entityType is null then modelVersionId
        end as versionId
    from `metrics`.`stg_donation_goal`
),

donation as (
    select
        versions.id as versionId,
        versions.modelId as modelId,
        donations.userId as userId,
        donations.amount as amount,
        donations.createdAt as createdAt
    from `metrics`.`stg_donation` as donations
    inner join goal as goals on donations.donationGoalId = goals.id
    inner join `metrics`.`stg_model_version` as versions on goals.versionId = versions.id
),

gift as (
    select
        case when entityType = 'bountyEntry' then 'BountyEntry' else entityType end as kind,
        entityId,
        fromUserId as userId,
        amount,
        createdAt
    from `metrics`.`stg_buzz_tip`

    union all

    select
        'ModelVersion' as kind,
        versionId as entityId,
        userId,
        amount,
        createdAt
    from donation

    union all

    select
        'Model' as kind,
        modelId as entityId,
        userId,
        amount,
        createdAt
    from donation
)

select
    'Post' as entityType,
    assumeNotNull(entityId) as entityId,
    ifNull(userId, 0) as userId,
    'TipAmount' as metricType,
    amount as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from gift
where
    kind = 'Post'
    and entityId in (select id from `metrics`.`stg_post`)
    and amount != 0;
