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
    entityType,
    entityId,
    userId,
    metricType,
    any(metricValue) as metricValue,
    min(createdAt) as createdAt
from (
    select
        event.1 as entityType,
        assumeNotNull(event.2) as entityId,
        ifNull(event.3, 0) as userId,
        event.4 as metricType,
        event.5 as metricValue,
        ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt,
        event.8 as sourceRow
    from (
        select
            arrayJoin([
                -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event? which source row?
                (
                    'Model', modelId, addedById, 'Favorite', 1, addedAt,
                    addedById is not null and modelId in (select id from `metrics`.`stg_model`),
                    0
                )
            ]) as event
        from item
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow;

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
    entityType,
    entityId,
    userId,
    metricType,
    any(metricValue) as metricValue,
    min(createdAt) as createdAt
from (
    select
        event.1 as entityType,
        assumeNotNull(event.2) as entityId,
        ifNull(event.3, 0) as userId,
        event.4 as metricType,
        event.5 as metricValue,
        ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt,
        event.8 as sourceRow
    from (
        select
            arrayJoin([
                -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event? which source row?
                (
                    'Model', modelId, addedById, 'Collection', 1, addedAt,
                    addedById is not null and modelId in (select id from `metrics`.`stg_model`),
                    0
                )
            ]) as event
        from item
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow;

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
    entityType,
    entityId,
    userId,
    metricType,
    any(metricValue) as metricValue,
    min(createdAt) as createdAt
from (
    select
        event.1 as entityType,
        assumeNotNull(event.2) as entityId,
        ifNull(event.3, 0) as userId,
        event.4 as metricType,
        event.5 as metricValue,
        ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt,
        event.8 as sourceRow
    from (
        select
            arrayJoin([
                -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event? which source row?
                (
                    'Model', modelId, userId, 'Comment', 1, createdAt,
                    not tosViolation and modelId in (select id from `metrics`.`stg_model`),
                    0
                )
            ]) as event
        from comment
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow;

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
                'Model', modelId, 0, 'Earned', total, createdAt,
                modelId in (select id from `metrics`.`stg_model`)
            )
        ]) as event
    from compensation
)
where event.7 and event.5 != 0;

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
                'Model', modelId, userId, 'Download', 1, createdAt,
                modelId != 0 and modelId in (select id from `metrics`.`stg_model`)
            )
        ]) as event
    from download
)
where event.7 and event.5 != 0;

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
                'Model', modelId, userId, 'Generation', 1, createdAt,
                modelId in (select id from `metrics`.`stg_model`)
            )
        ]) as event
    from generation
)
where event.7 and event.5 != 0;

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
                'Model', modelId, userId, 'Image', 1, createdAt,
                modelId in (select id from `metrics`.`stg_model`)
            )
        ]) as event
    from resource
)
where event.7 and event.5 != 0;

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
                'Model', modelId, userId, 'Rating', rating, createdAt,
                not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`)
            )
        ]) as event
    from review
)
where event.7 and event.5 != 0;

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
                'Model', modelId, userId, 'RatingCount', 1, createdAt,
                not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`)
            )
        ]) as event
    from review
)
where event.7 and event.5 != 0;

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
    entityType,
    entityId,
    userId,
    metricType,
    any(metricValue) as metricValue,
    min(createdAt) as createdAt
from (
    select
        event.1 as entityType,
        assumeNotNull(event.2) as entityId,
        ifNull(event.3, 0) as userId,
        event.4 as metricType,
        event.5 as metricValue,
        ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt,
        event.8 as sourceRow
    from (
        select
            arrayJoin([
                -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event? which source row?
                (
                    'Model', modelId, userId, 'ThumbsUp', 1, createdAt,
                    not exclude and not tosViolation and recommended and modelId in (select id from `metrics`.`stg_model`),
                    0
                )
            ]) as event
        from review
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow;

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
    entityType,
    entityId,
    userId,
    metricType,
    any(metricValue) as metricValue,
    min(createdAt) as createdAt
from (
    select
        event.1 as entityType,
        assumeNotNull(event.2) as entityId,
        ifNull(event.3, 0) as userId,
        event.4 as metricType,
        event.5 as metricValue,
        ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt,
        event.8 as sourceRow
    from (
        select
            arrayJoin([
                -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event? which source row?
                (
                    'Model', modelId, userId, 'ThumbsDown', 1, createdAt,
                    not exclude and not tosViolation and not recommended and modelId in (select id from `metrics`.`stg_model`),
                    0
                )
            ]) as event
        from review
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow;

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
                'Model', entityId, userId, 'TipCount', 1, createdAt,
                entityType = 'Model' and entityId in (select id from `metrics`.`stg_model`)
            )
        ]) as event
    from gift
)
where event.7 and event.5 != 0;

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
                'Model', entityId, userId, 'TipAmount', amount, createdAt,
                entityType = 'Model' and entityId in (select id from `metrics`.`stg_model`)
            )
        ]) as event
    from gift
)
where event.7 and event.5 != 0;
