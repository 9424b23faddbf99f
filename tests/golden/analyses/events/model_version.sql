-- ModelVersion Collection, from collection_item_events
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
                    'ModelVersion', modelVersionId, addedById, 'Collection', 1, addedAt,
                    addedById is not null and modelVersionId in (select id from `metrics`.`stg_model_version`),
                    0
                )
            ]) as event
        from item
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow;

-- ModelVersion Earned, from compensation_events
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
                'ModelVersion', modelVersionId, 0, 'Earned', total, createdAt,
                true
            )
        ]) as event
    from compensation
)
where event.7 and event.5 != 0;

-- ModelVersion Download, from download_events
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
                'ModelVersion', modelVersionId, userId, 'Download', 1, createdAt,
                modelVersionId != 0 and modelVersionId in (select id from `metrics`.`stg_model_version`)
            )
        ]) as event
    from download
)
where event.7 and event.5 != 0;

-- ModelVersion Generation, from generation_events
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
                'ModelVersion', modelVersionId, userId, 'Generation', 1, createdAt,
                true
            )
        ]) as event
    from generation
)
where event.7 and event.5 != 0;

-- ModelVersion Image, from image_resource_events
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
                'ModelVersion', modelVersionId, userId, 'Image', 1, createdAt,
                true
            )
        ]) as event
    from resource
)
where event.7 and event.5 != 0;

-- ModelVersion Rating, from resource_review_events
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
                'ModelVersion', modelVersionId, userId, 'Rating', rating, createdAt,
                not exclude and not tosViolation and modelVersionId in (select id from `metrics`.`stg_model_version`)
            )
        ]) as event
    from review
)
where event.7 and event.5 != 0;

-- ModelVersion RatingCount, from resource_review_events
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
                'ModelVersion', modelVersionId, userId, 'RatingCount', 1, createdAt,
                not exclude and not tosViolation and modelVersionId in (select id from `metrics`.`stg_model_version`)
            )
        ]) as event
    from review
)
where event.7 and event.5 != 0;

-- ModelVersion ThumbsUp, from resource_review_events
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
                    'ModelVersion', modelVersionId, userId, 'ThumbsUp', 1, createdAt,
                    not exclude and not tosViolation and recommended and modelVersionId in (select id from `metrics`.`stg_model_version`),
                    0
                )
            ]) as event
        from review
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow;

-- ModelVersion ThumbsDown, from resource_review_events
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
                    'ModelVersion', modelVersionId, userId, 'ThumbsDown', 1, createdAt,
                    not exclude and not tosViolation and not recommended and modelVersionId in (select id from `metrics`.`stg_model_version`),
                    0
                )
            ]) as event
        from review
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow;

-- ModelVersion TipCount, from tip_events
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
                'ModelVersion', entityId, userId, 'TipCount', 1, createdAt,
                entityType = 'ModelVersion' and entityId in (select id from `metrics`.`stg_model_version`)
            )
        ]) as event
    from gift
)
where event.7 and event.5 != 0;

-- ModelVersion TipAmount, from tip_events
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
                'ModelVersion', entityId, userId, 'TipAmount', amount, createdAt,
                entityType = 'ModelVersion' and entityId in (select id from `metrics`.`stg_model_version`)
            )
        ]) as event
    from gift
)
where event.7 and event.5 != 0;
