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
    ['Model', 'ModelVersion'][toLowCardinality(metricNumber)] as entityType,
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
            [modelId, modelVersionId][metricNumber],
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(modelId != 0 and modelId in (select id from `metrics`.`stg_model`), 1, 0), -- Model Download
                if(modelVersionId != 0 and modelVersionId in (select id from `metrics`.`stg_model_version`), 2, 0) -- ModelVersion Download
            ])) as metricNumber
        from download
    )
)
