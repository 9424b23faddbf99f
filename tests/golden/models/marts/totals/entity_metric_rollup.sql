with event as (
    select
        entityType,
        entityId,
        metricType,
        toDate(createdAt, 'UTC') as day,
        metricValue
    from `metrics`.`logged_events`
    where toYYYYMM(createdAt, 'UTC') global in (select month from `metrics`.`entity_metric_months` group by month having argMax(state, (at, state)) = 'changed')
)

select
    entityType,
    entityId,
    metricType,
    day,
    sum(metricValue) as total
from event
group by
    entityType,
    entityId,
    metricType,
    day
