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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Hide' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            articleId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(type = 'Hide' and articleId in (select id from `metrics`.`stg_article`), 1, 0) -- Article Hide
            ])) as metricNumber
        from engagement
    )
);

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
            articleId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Like' and articleId in (select id from `metrics`.`stg_article`), 1, 0) -- Article ReactionLike
            ])) as metricNumber
        from reaction
    )
);

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
            articleId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Dislike' and articleId in (select id from `metrics`.`stg_article`), 1, 0) -- Article ReactionDislike
            ])) as metricNumber
        from reaction
    )
);

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
            articleId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Laugh' and articleId in (select id from `metrics`.`stg_article`), 1, 0) -- Article ReactionLaugh
            ])) as metricNumber
        from reaction
    )
);

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
            articleId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Cry' and articleId in (select id from `metrics`.`stg_article`), 1, 0) -- Article ReactionCry
            ])) as metricNumber
        from reaction
    )
);

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
            articleId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Heart' and articleId in (select id from `metrics`.`stg_article`), 1, 0) -- Article ReactionHeart
            ])) as metricNumber
        from reaction
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Favorite' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            articleId,
            addedById,
            1,
            addedAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(articleId in (select id from `metrics`.`stg_article`), 1, 0) -- Article Favorite
            ])) as metricNumber
        from item
    )
);

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
            articleId,
            addedById,
            1,
            addedAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(articleId in (select id from `metrics`.`stg_article`), 1, 0) -- Article Collection
            ])) as metricNumber
        from item
    )
);

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
            articleId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(articleId in (select id from `metrics`.`stg_article`), 1, 0) -- Article Comment
            ])) as metricNumber
        from comment
    )
);

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
    'Article' as entityType,
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
                if(entityType = 'Article' and entityId in (select id from `metrics`.`stg_article`), 1, 0) -- Article TipCount
            ])) as metricNumber
        from gift
    )
);

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
    'Article' as entityType,
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
                if(entityType = 'Article' and entityId in (select id from `metrics`.`stg_article`) and amount != 0, 1, 0) -- Article TipAmount
            ])) as metricNumber
        from gift
    )
);
