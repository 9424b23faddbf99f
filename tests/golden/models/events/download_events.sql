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
            ),
            (
                'ModelVersion', modelVersionId, userId, 'Download', 1, createdAt,
                modelVersionId != 0 and modelVersionId in (select id from `metrics`.`stg_model_version`)
            )
        ]) as event
    from download
)
where event.7 and event.5 != 0
