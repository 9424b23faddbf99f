with assumeNotNull((select argMax((generation, boundary), (at, generation)) from `metrics`.`entity_metric_seams` where state = 'current')) as seam

select
    entityType,
    entityId,
    metricType,
    total as value,
    seam.2 - toIntervalMillisecond(1) as createdAt
from `metrics`.`entity_metric_sealed`
where _partition_id = toString(seam.1)

union all

select
    entityType,
    entityId,
    metricType,
    metricValue as value,
    toDateTime64(log.createdAt, 3, 'UTC') as createdAt
from `metrics`.`logged_events` as log
where log.createdAt >= seam.2
