-- What the application's tracker has written since the cutoff about its own tables in ClickHouse; the rest comes from
-- postgres/50_live_events.sql. The tracker does not look whether a version is withdrawn later, nor does it restate.

insert into {application:Identifier}.entityMetricEvents
    (entityType, entityId, userId, metricType, metricValue, createdAt)
select
    entity.1,
    entity.2,
    userId,
    'Download',
    1,
    toDateTime64(time, 3)
from {application:Identifier}.modelVersionEvents
array join [('Model', modelId), ('ModelVersion', modelVersionId)] as entity
where
    type = 'Download'
    and userId != -1
    and entity.2 != 0
    and time >= toDateTime64('2024-08-07 15:44:39.044', 3, 'UTC');

-- The tracker learns the model from the job itself: here from the arithmetic of 10_application_tables.sql.
insert into {application:Identifier}.entityMetricEvents
    (entityType, entityId, userId, metricType, metricValue, createdAt)
with
    v -> multiIf(
        v in (1, 2, 3), 1,
        v < 1001, 2,
        (v - 1001) % 7 < 4, 1001 + intDiv(v - 1001, 7) * 4 + (v - 1001) % 7,
        1001 + intDiv((intDiv(v - 1001, 7) * 4 + 1) * (((v - 1001) * 7919) % 997), 997)
    ) as model_of
select
    entity.1,
    entity.2,
    userId,
    'Generation',
    1,
    createdAt
from {orchestration:Identifier}.jobs
array join arrayFlatten(arrayMap(
    v -> [('Model', toInt32(model_of(toInt64(v)))), ('ModelVersion', v)],
    arrayDistinct(resourcesUsed)
)) as entity
where
    jobType in ('TextToImageV2', 'TextToImage', 'Comfy')
    and createdAt >= toDateTime64('2024-08-07 15:44:39.044', 3, 'UTC');

insert into {application:Identifier}.entityMetricEvents
    (entityType, entityId, userId, metricType, metricValue, createdAt)
select
    'ModelVersion',
    modelVersionId,
    0,
    'Earned',
    total,
    toDateTime64(date, 3)
from {application:Identifier}.buzz_resource_compensation final
where
    total > 0
    and date >= toDateTime64('2024-08-07 15:44:39.044', 3, 'UTC');
