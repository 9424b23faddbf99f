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
    ['Model', 'ModelVersion'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    'Download' as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(modelId != 0 and modelId in (select id from `metrics`.`stg_model`), 1, 0),                       modelId,        userId, 1), -- Model Download
            (if(modelVersionId != 0 and modelVersionId in (select id from `metrics`.`stg_model_version`), 2, 0), modelVersionId, userId, 1) -- ModelVersion Download
        ])) as event
    from download
)
