with due as (
    select
        entity_type,
        metric_type,
        argMax(window_start, (at, state)) as due_from,
        argMax(window_end, (at, state)) as due_until
    from `metrics`.`metric_publications`
    where event_log = 'default.entityMetricEvents' and kind = 'events' and partition_id = '' and state in ('pending', 'published')
    group by
        entity_type,
        metric_type
    having argMax(state, (at, state)) = 'pending' and due_from < due_until
)

select
    logged.entityType as entityType,
    logged.entityId as entityId,
    logged.userId as userId,
    logged.metricType as metricType,
    logged.metricValue as metricValue,
    logged.createdAt as createdAt
from `metrics`.`logged_events` as logged
where not (logged.createdAt >= (select min(due_from) from due) and logged.createdAt < (select max(due_until) from due))

union all

select
    logged.entityType as entityType,
    logged.entityId as entityId,
    logged.userId as userId,
    logged.metricType as metricType,
    logged.metricValue as metricValue,
    logged.createdAt as createdAt
from (
    select *
    from `metrics`.`logged_events` as logged
    where logged.createdAt >= (select min(due_from) from due) and logged.createdAt < (select max(due_until) from due)
) as logged
left join due on logged.entityType = due.entity_type and logged.metricType = due.metric_type
where not (logged.createdAt >= due.due_from and logged.createdAt < due.due_until)

union all

select
    cast(pending.entityType, 'LowCardinality(String)') as entityType,
    toInt32(pending.entityId) as entityId,
    pending.userId as userId,
    cast(pending.metricType, 'LowCardinality(String)') as metricType,
    toInt64(pending.metricValue) as metricValue,
    pending.createdAt as createdAt
from `metrics`.`pending_events` as pending
inner join due on pending.entityType = due.entity_type and pending.metricType = due.metric_type
