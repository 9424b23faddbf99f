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
    'ModelVersion' as entityType,
    assumeNotNull(modelVersionId) as entityId,
    ifNull(addedById, 0) as userId,
    'Collection' as metricType,
    1 as metricValue,
    min(greatest(ifNull(addedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC'))) as createdAt
from item
where
    addedById is not null
    and modelVersionId in (select id from `metrics`.`stg_model_version`)
group by
    entityId,
    userId;

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
    'ModelVersion' as entityType,
    assumeNotNull(modelVersionId) as entityId,
    0 as userId,
    'Earned' as metricType,
    total as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from compensation
where total != 0;

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
    'ModelVersion' as entityType,
    assumeNotNull(modelVersionId) as entityId,
    ifNull(userId, 0) as userId,
    'Download' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from download
where
    modelVersionId != 0
    and modelVersionId in (select id from `metrics`.`stg_model_version`);

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
    'ModelVersion' as entityType,
    assumeNotNull(modelVersionId) as entityId,
    ifNull(userId, 0) as userId,
    'Generation' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from generation;

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
    'ModelVersion' as entityType,
    assumeNotNull(modelVersionId) as entityId,
    ifNull(userId, 0) as userId,
    'Image' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from resource;

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
        modelVersionId in (
            select versions.id
            from `metrics`.`stg_model_version` as versions
            where versions.status = 'Published'
        ) as ofPublishedVersion,
        createdAt
    from `metrics`.`stg_resource_review`
)

select
    'ModelVersion' as entityType,
    assumeNotNull(modelVersionId) as entityId,
    ifNull(userId, 0) as userId,
    'Rating' as metricType,
    rating as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from review
where
    not exclude and not tosViolation
    and modelVersionId in (select id from `metrics`.`stg_model_version`)
    and rating != 0;

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
        modelVersionId in (
            select versions.id
            from `metrics`.`stg_model_version` as versions
            where versions.status = 'Published'
        ) as ofPublishedVersion,
        createdAt
    from `metrics`.`stg_resource_review`
)

select
    'ModelVersion' as entityType,
    assumeNotNull(modelVersionId) as entityId,
    ifNull(userId, 0) as userId,
    'RatingCount' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from review
where
    not exclude and not tosViolation
    and modelVersionId in (select id from `metrics`.`stg_model_version`);

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
        modelVersionId in (
            select versions.id
            from `metrics`.`stg_model_version` as versions
            where versions.status = 'Published'
        ) as ofPublishedVersion,
        createdAt
    from `metrics`.`stg_resource_review`
)

select
    'ModelVersion' as entityType,
    assumeNotNull(modelVersionId) as entityId,
    ifNull(userId, 0) as userId,
    'ThumbsUp' as metricType,
    1 as metricValue,
    min(greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC'))) as createdAt
from review
where
    not exclude and not tosViolation and recommended
    and modelVersionId in (select id from `metrics`.`stg_model_version`)
group by
    entityId,
    userId;

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
        modelVersionId in (
            select versions.id
            from `metrics`.`stg_model_version` as versions
            where versions.status = 'Published'
        ) as ofPublishedVersion,
        createdAt
    from `metrics`.`stg_resource_review`
)

select
    'ModelVersion' as entityType,
    assumeNotNull(modelVersionId) as entityId,
    ifNull(userId, 0) as userId,
    'ThumbsDown' as metricType,
    1 as metricValue,
    min(greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC'))) as createdAt
from review
where
    not exclude and not tosViolation and not recommended
    and modelVersionId in (select id from `metrics`.`stg_model_version`)
group by
    entityId,
    userId;

-- ModelVersion TipCount, from tip_events
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
    'ModelVersion' as entityType,
    assumeNotNull(entityId) as entityId,
    ifNull(userId, 0) as userId,
    'TipCount' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from gift
where
    kind = 'ModelVersion'
    and entityId in (select id from `metrics`.`stg_model_version`);

-- ModelVersion TipAmount, from tip_events
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
    'ModelVersion' as entityType,
    assumeNotNull(entityId) as entityId,
    ifNull(userId, 0) as userId,
    'TipAmount' as metricType,
    amount as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from gift
where
    kind = 'ModelVersion'
    and entityId in (select id from `metrics`.`stg_model_version`)
    and amount != 0;
