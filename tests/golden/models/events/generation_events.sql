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
    ['Model', 'ModelVersion'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    'Generation' as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(modelId in (select id from `metrics`.`stg_model`), 1, 0), modelId,        userId, 1), -- Model Generation
            (2,                                                           modelVersionId, userId, 1) -- ModelVersion Generation
        ])) as event
    from generation
)
