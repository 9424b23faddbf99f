-- Article Hide, from article_engagement_events
with engagement as (
    select
        articleId,
        userId,
        type,
        createdAt
    from `metrics`.`stg_article_engagement`
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
                'Article', articleId, userId, 'Hide', 1, createdAt,
                type = 'Hide' and articleId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from engagement
)
where event.7 and event.5 != 0;

-- Article ReactionLike, from article_reaction_events
with reaction as (
    select
        articleId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_article_reaction`
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
                'Article', articleId, userId, 'ReactionLike', 1, createdAt,
                reaction = 'Like' and articleId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

-- Article ReactionDislike, from article_reaction_events
with reaction as (
    select
        articleId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_article_reaction`
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
                'Article', articleId, userId, 'ReactionDislike', 1, createdAt,
                reaction = 'Dislike' and articleId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

-- Article ReactionLaugh, from article_reaction_events
with reaction as (
    select
        articleId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_article_reaction`
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
                'Article', articleId, userId, 'ReactionLaugh', 1, createdAt,
                reaction = 'Laugh' and articleId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

-- Article ReactionCry, from article_reaction_events
with reaction as (
    select
        articleId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_article_reaction`
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
                'Article', articleId, userId, 'ReactionCry', 1, createdAt,
                reaction = 'Cry' and articleId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

-- Article ReactionHeart, from article_reaction_events
with reaction as (
    select
        articleId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_article_reaction`
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
                'Article', articleId, userId, 'ReactionHeart', 1, createdAt,
                reaction = 'Heart' and articleId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

-- Article Favorite, from collection_item_events
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
                'Article', articleId, addedById, 'Favorite', 1, addedAt,
                articleId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from item
)
where event.7 and event.5 != 0;

-- Article Collection, from collection_item_events
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
                'Article', articleId, addedById, 'Collection', 1, addedAt,
                articleId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from item
)
where event.7 and event.5 != 0;

-- Article Comment, from comment_v2_events
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
                'Article', articleId, userId, 'Comment', 1, createdAt,
                articleId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from comment
)
where event.7 and event.5 != 0;

-- Article TipCount, from tip_events
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
                'Article', entityId, userId, 'TipCount', 1, createdAt,
                entityType = 'Article' and entityId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from gift
)
where event.7 and event.5 != 0;

-- Article TipAmount, from tip_events
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
                'Article', entityId, userId, 'TipAmount', amount, createdAt,
                entityType = 'Article' and entityId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from gift
)
where event.7 and event.5 != 0;
