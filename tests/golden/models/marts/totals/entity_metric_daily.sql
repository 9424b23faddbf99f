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
    entityType,
    entityId,
    metricType,
    toDate(createdAt, 'UTC') as day,
    sum(metricValue) as total
from `metrics`.`logged_events`
where createdAt >= seam.2
group by
    entityType,
    entityId,
    metricType,
    day
