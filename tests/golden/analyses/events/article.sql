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
    'Article' as entityType,
    assumeNotNull(articleId) as entityId,
    ifNull(userId, 0) as userId,
    'Hide' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from engagement
where
    type = 'Hide'
    and articleId in (select id from `metrics`.`stg_article`);

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
    'Article' as entityType,
    assumeNotNull(articleId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionLike' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Like'
    and articleId in (select id from `metrics`.`stg_article`);

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
    'Article' as entityType,
    assumeNotNull(articleId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionDislike' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Dislike'
    and articleId in (select id from `metrics`.`stg_article`);

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
    'Article' as entityType,
    assumeNotNull(articleId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionLaugh' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Laugh'
    and articleId in (select id from `metrics`.`stg_article`);

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
    'Article' as entityType,
    assumeNotNull(articleId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionCry' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Cry'
    and articleId in (select id from `metrics`.`stg_article`);

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
    'Article' as entityType,
    assumeNotNull(articleId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionHeart' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Heart'
    and articleId in (select id from `metrics`.`stg_article`);

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
    'Article' as entityType,
    assumeNotNull(articleId) as entityId,
    ifNull(addedById, 0) as userId,
    'Favorite' as metricType,
    1 as metricValue,
    greatest(ifNull(addedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from item
where articleId in (select id from `metrics`.`stg_article`);

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
    'Article' as entityType,
    assumeNotNull(articleId) as entityId,
    ifNull(addedById, 0) as userId,
    'Collection' as metricType,
    1 as metricValue,
    greatest(ifNull(addedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from item
where articleId in (select id from `metrics`.`stg_article`);

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
    'Article' as entityType,
    assumeNotNull(articleId) as entityId,
    ifNull(userId, 0) as userId,
    'Comment' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from comment
where articleId in (select id from `metrics`.`stg_article`);

-- Article TipCount, from tip_events
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
    'Article' as entityType,
    assumeNotNull(entityId) as entityId,
    ifNull(userId, 0) as userId,
    'TipCount' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from gift
where
    kind = 'Article'
    and entityId in (select id from `metrics`.`stg_article`);

-- Article TipAmount, from tip_events
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
    'Article' as entityType,
    assumeNotNull(entityId) as entityId,
    ifNull(userId, 0) as userId,
    'TipAmount' as metricType,
    amount as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from gift
where
    kind = 'Article'
    and entityId in (select id from `metrics`.`stg_article`)
    and amount != 0;
