with assumeNotNull((select argMax((generation, boundary), (at, generation)) from `metrics`.`entity_metric_seams` where state = 'current')) as seam

select
    entityType,
    entityId,
    metricType,
    day,
    total
from `metrics`.`entity_metric_rollup`
where day < toDate(seam.2, 'UTC')

union all

select
    cast(entityType, 'LowCardinality(String)') as entityType,
    toInt32(entityId) as entityId,
    cast(metricType, 'LowCardinality(String)') as metricType,
    toDate(createdAt, 'UTC') as day,
    sum(toInt64(metricValue)) as total
from `default`.`entityMetricEvents`
where createdAt >= seam.2
group by
    entityType,
    entityId,
    metricType,
    day
