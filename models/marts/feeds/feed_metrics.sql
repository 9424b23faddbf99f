{{ config(materialized='view') }}

{# What each metric of an entity adds up to lately, for feeds: one row per entity and metric, one column a window. #}

with term as (
    -- all time: sealed totals and the events since
    select
        entityType,
        entityId,
        metricType,
        value as ofAllTime,
        toInt64(0) as ofDay,
        toDate(0) as happenedOn
    from {{ ref('entity_metric_terms') }}

    union all

    -- the days of the longest window, which has all others in it
    select
        entityType,
        entityId,
        metricType,
        toInt64(0) as ofAllTime,
        total as ofDay,
        day as happenedOn
    from {{ ref('entity_metric_daily') }}
    where day between {{ current_day() }} - {{ feed_windows()['year'] }} and {{ current_day() }}
)

select
    entityType,
    entityId,
    metricType,
    sumIf(ofDay, happenedOn >= {{ current_day() }} - {{ feed_windows()['day'] }}) as day,
    sumIf(ofDay, happenedOn >= {{ current_day() }} - {{ feed_windows()['week'] }}) as week,
    sumIf(ofDay, happenedOn >= {{ current_day() }} - {{ feed_windows()['month'] }}) as month,
    sumIf(ofDay, happenedOn >= {{ current_day() }} - {{ feed_windows()['year'] }}) as year,
    sum(ofAllTime) as allTime
from term
group by
    entityType,
    entityId,
    metricType
