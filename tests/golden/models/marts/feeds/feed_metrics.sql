with term as (
    -- all time: sealed totals and the events since
    select
        entityType,
        entityId,
        metricType,
        value as ofAllTime,
        toInt64(0) as ofDay,
        toDate(0) as happenedOn
    from `metrics`.`entity_metric_terms`

    union all

    -- the days of the longest window, which has all others in it
    select
        entityType,
        entityId,
        metricType,
        toInt64(0) as ofAllTime,
        total as ofDay,
        day as happenedOn
    from `metrics`.`entity_metric_daily`
    where day between (select toDate(now64(3, 'UTC'), 'UTC')) - 365 and (select toDate(now64(3, 'UTC'), 'UTC'))
)

select
    entityType,
    entityId,
    metricType,
    sumIf(ofDay, happenedOn >= (select toDate(now64(3, 'UTC'), 'UTC')) - 1) as day,
    sumIf(ofDay, happenedOn >= (select toDate(now64(3, 'UTC'), 'UTC')) - 7) as week,
    sumIf(ofDay, happenedOn >= (select toDate(now64(3, 'UTC'), 'UTC')) - 30) as month,
    sumIf(ofDay, happenedOn >= (select toDate(now64(3, 'UTC'), 'UTC')) - 365) as year,
    sum(ofAllTime) as allTime
from term
group by
    entityType,
    entityId,
    metricType
