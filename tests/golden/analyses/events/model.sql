-- Model Favorite, from collection_item_events
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
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Favorite' as metricType,
    any(event.3) as metricValue,
    min(ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC'))) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt, source row (0 where a user counts once)
        (
            modelId,
            addedById,
            1,
            addedAt,
            0
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(addedById is not null and modelId in (select id from `metrics`.`stg_model`), 1, 0) -- Model Favorite
            ])) as metricNumber
        from item
    )
)
-- of the events with the same source row, entity and user the earliest stays
group by metricNumber, entityId, userId, event.5;

-- Model Collection, from collection_item_events
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
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Collection' as metricType,
    any(event.3) as metricValue,
    min(ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC'))) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt, source row (0 where a user counts once)
        (
            modelId,
            addedById,
            1,
            addedAt,
            0
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(addedById is not null and modelId in (select id from `metrics`.`stg_model`), 1, 0) -- Model Collection
            ])) as metricNumber
        from item
    )
)
-- of the events with the same source row, entity and user the earliest stays
group by metricNumber, entityId, userId, event.5;

-- Model Comment, from comment_events
with comment as (
    select
        modelId,
        userId,
        tosViolation,
        createdAt
    from `metrics`.`stg_comment`
)

select
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Comment' as metricType,
    any(event.3) as metricValue,
    min(ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC'))) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt, source row (0 where a user counts once)
        (
            modelId,
            userId,
            1,
            createdAt,
            0
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(not tosViolation and modelId in (select id from `metrics`.`stg_model`), 1, 0) -- Model Comment
            ])) as metricNumber
        from comment
    )
)
-- of the events with the same source row, entity and user the earliest stays
group by metricNumber, entityId, userId, event.5;

-- Model Earned, from compensation_events
with earning as (
    select
        modelVersionId,
        total,
        toDateTime64(date, 3, 'UTC') as createdAt
    from `default`.`buzz_resource_compensation`
    -- of a restated row only the last version counts, merged or not
    settings final = 1
),

compensation as (
    select
        earnings.modelVersionId as modelVersionId,
        versions.modelId as modelId,
        earnings.total as total,
        earnings.createdAt as createdAt
    from earning as earnings
    inner join `metrics`.`stg_model_version` as versions on earnings.modelVersionId = versions.id
)

select
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Earned' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            modelId,
            0,
            total,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(modelId in (select id from `metrics`.`stg_model`) and total != 0, 1, 0) -- Model Earned
            ])) as metricNumber
        from compensation
    )
);

-- Model Download, from download_events
with download as (
    select
        modelId,
        modelVersionId,
        userId,
        toDateTime64(time, 3, 'UTC') as createdAt
    from `default`.`modelVersionEvents`
    where
        type = 'Download'
        and userId != -1
)

select
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Download' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            modelId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(modelId != 0 and modelId in (select id from `metrics`.`stg_model`), 1, 0) -- Model Download
            ])) as metricNumber
        from download
    )
);

-- Model Generation, from generation_events
with job as (
    select
        arrayJoin(arrayDistinct(resourcesUsed)) as modelVersionId,
        userId,
        toDateTime64(createdAt, 3, 'UTC') as createdAt
    from `orchestration`.`jobs`
    where jobType in ('TextToImageV2', 'TextToImage', 'Comfy')
),

generation as (
    select
        jobs.modelVersionId as modelVersionId,
        versions.modelId as modelId,
        jobs.userId as userId,
        jobs.createdAt as createdAt
    from job as jobs
    inner join `metrics`.`stg_model_version` as versions on jobs.modelVersionId = versions.id
)

select
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Generation' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            modelId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(modelId in (select id from `metrics`.`stg_model`), 1, 0) -- Model Generation
            ])) as metricNumber
        from generation
    )
);

-- Model Image, from image_resource_events
with resource as (
    select
        resources.modelVersionId as modelVersionId,
        versions.modelId as modelId,
        images.userId as userId,
        images.createdAt as createdAt
    from `metrics`.`stg_image_resource_new` as resources
    inner join `metrics`.`stg_image` as images on resources.imageId = images.id
    inner join `metrics`.`stg_model_version` as versions on resources.modelVersionId = versions.id
)

select
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Image' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            modelId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(modelId in (select id from `metrics`.`stg_model`), 1, 0) -- Model Image
            ])) as metricNumber
        from resource
    )
);

-- Model Rating, from resource_review_events
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
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Rating' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            modelId,
            userId,
            rating,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`) and rating != 0, 1, 0) -- Model Rating
            ])) as metricNumber
        from review
    )
);

-- Model RatingCount, from resource_review_events
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
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'RatingCount' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            modelId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`), 1, 0) -- Model RatingCount
            ])) as metricNumber
        from review
    )
);

-- Model ThumbsUp, from resource_review_events
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
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ThumbsUp' as metricType,
    any(event.3) as metricValue,
    min(ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC'))) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt, source row (0 where a user counts once)
        (
            modelId,
            userId,
            1,
            createdAt,
            0
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(not exclude and not tosViolation and recommended and modelId in (select id from `metrics`.`stg_model`), 1, 0) -- Model ThumbsUp
            ])) as metricNumber
        from review
    )
)
-- of the events with the same source row, entity and user the earliest stays
group by metricNumber, entityId, userId, event.5;

-- Model ThumbsDown, from resource_review_events
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
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ThumbsDown' as metricType,
    any(event.3) as metricValue,
    min(ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC'))) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt, source row (0 where a user counts once)
        (
            modelId,
            userId,
            1,
            createdAt,
            0
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(not exclude and not tosViolation and not recommended and modelId in (select id from `metrics`.`stg_model`), 1, 0) -- Model ThumbsDown
            ])) as metricNumber
        from review
    )
)
-- of the events with the same source row, entity and user the earliest stays
group by metricNumber, entityId, userId, event.5;

-- Model TipCount, from tip_events
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
    'Model' as entityType,
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
                if(entityType = 'Model' and entityId in (select id from `metrics`.`stg_model`), 1, 0) -- Model TipCount
            ])) as metricNumber
        from gift
    )
);

-- Model TipAmount, from tip_events
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
    'Model' as entityType,
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
                if(entityType = 'Model' and entityId in (select id from `metrics`.`stg_model`) and amount != 0, 1, 0) -- Model TipAmount
            ])) as metricNumber
        from gift
    )
);
