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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Collection' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            postId,
            addedById,
            1,
            addedAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(postId in (select id from `metrics`.`stg_post`), 1, 0) -- Post Collection
            ])) as metricNumber
        from item
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Comment' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            postId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(postId in (select id from `metrics`.`stg_post`), 1, 0) -- Post Comment
            ])) as metricNumber
        from comment
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ReactionLike' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            postId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Like' and postId in (select id from `metrics`.`stg_post`), 1, 0) -- Post ReactionLike
            ])) as metricNumber
        from reaction
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ReactionDislike' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            postId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Dislike' and postId in (select id from `metrics`.`stg_post`), 1, 0) -- Post ReactionDislike
            ])) as metricNumber
        from reaction
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ReactionLaugh' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            postId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Laugh' and postId in (select id from `metrics`.`stg_post`), 1, 0) -- Post ReactionLaugh
            ])) as metricNumber
        from reaction
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ReactionCry' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            postId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Cry' and postId in (select id from `metrics`.`stg_post`), 1, 0) -- Post ReactionCry
            ])) as metricNumber
        from reaction
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ReactionHeart' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            postId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Heart' and postId in (select id from `metrics`.`stg_post`), 1, 0) -- Post ReactionHeart
            ])) as metricNumber
        from reaction
    )
);

-- Post TipCount, from tip_events
with tip as (
    select
        if(entityType = 'bountyEntry', 'BountyEntry', entityType) as entityType,
        entityId,
        fromUserId as userId,
        amount,
        createdAt
    from `metrics`.`stg_buzz_tip`
),

donation as (
    select
        arrayJoin([('ModelVersion', versions.id), ('Model', versions.modelId)]) as entity,
        donations.userId as userId,
        donations.amount as amount,
        donations.createdAt as createdAt
    from `metrics`.`stg_donation` as donations
    inner join `metrics`.`stg_donation_goal` as goals on donations.donationGoalId = goals.id
    inner join `metrics`.`stg_model_version` as versions on goals.modelVersionId = versions.id
),

gift as (
    select
        entityType,
        entityId,
        userId,
        amount,
        createdAt
    from tip
    union all
    select
        entity.1 as entityType,
        entity.2 as entityId,
        userId,
        amount,
        createdAt
    from donation
)

select
    'Post' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'TipCount' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            entityId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(entityType = 'Post' and entityId in (select id from `metrics`.`stg_post`), 1, 0) -- Post TipCount
            ])) as metricNumber
        from gift
    )
);

-- Post TipAmount, from tip_events
with tip as (
    select
        if(entityType = 'bountyEntry', 'BountyEntry', entityType) as entityType,
        entityId,
        fromUserId as userId,
        amount,
        createdAt
    from `metrics`.`stg_buzz_tip`
),

donation as (
    select
        arrayJoin([('ModelVersion', versions.id), ('Model', versions.modelId)]) as entity,
        donations.userId as userId,
        donations.amount as amount,
        donations.createdAt as createdAt
    from `metrics`.`stg_donation` as donations
    inner join `metrics`.`stg_donation_goal` as goals on donations.donationGoalId = goals.id
    inner join `metrics`.`stg_model_version` as versions on goals.modelVersionId = versions.id
),

gift as (
    select
        entityType,
        entityId,
        userId,
        amount,
        createdAt
    from tip
    union all
    select
        entity.1 as entityType,
        entity.2 as entityId,
        userId,
        amount,
        createdAt
    from donation
)

select
    'Post' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'TipAmount' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            entityId,
            userId,
            amount,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(entityType = 'Post' and entityId in (select id from `metrics`.`stg_post`) and amount != 0, 1, 0) -- Post TipAmount
            ])) as metricNumber
        from gift
    )
);
