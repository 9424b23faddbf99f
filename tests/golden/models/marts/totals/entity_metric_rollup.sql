with event as (
    select
        cast(entityType, 'LowCardinality(String)') as entityType,
        toInt32(entityId) as entityId,
        cast(metricType, 'LowCardinality(String)') as metricType,
        toDate(createdAt, 'UTC') as day,
        metricValue
    from `default`.`entityMetricEvents`
    where toYYYYMM(createdAt, 'UTC') in (select month from `metrics`.`entity_metric_months` group by month having argMax(state, (at, state)) = 'changed')
)

select
    entityType,
    entityId,
    metricType,
    day,
    sum(toInt64(metricValue)) as total
from event
group by
    entityType,
    entityId,
    metricType,
    day
