{{ config(tags=['marts']) }}

{#
    The windows of feeds are what the event log says, and all time is what it says and what the totals are. Log, windows and totals
    are read in one query. An event that arrived after the roll-up and was created before its boundary is found here, until the next
    roll-up.
#}

-- noqa: disable=all
{%- if is_built(ref('feed_metrics')) and is_built(ref('entity_metric_totals')) %}
{% set sample = var('parity_sample') | float %}
{% set midnight = "(select toStartOfDay(now64(3, 'UTC')))" %}

with logged as (
    select
        entityType,
        entityId,
        metricType,
        sumIf(metricValue, createdAt >= {{ midnight }} - toIntervalHour(24) and createdAt < {{ midnight }} + toIntervalHour(24)) as ofDay,
        sumIf(metricValue, createdAt >= {{ midnight }} - toIntervalHour(7 * 24) and createdAt < {{ midnight }} + toIntervalHour(24)) as ofWeek,
        sumIf(metricValue, createdAt >= {{ midnight }} - toIntervalHour(30 * 24) and createdAt < {{ midnight }} + toIntervalHour(24)) as ofMonth,
        sumIf(metricValue, createdAt >= {{ midnight }} - toIntervalHour(365 * 24) and createdAt < {{ midnight }} + toIntervalHour(24)) as ofYear,
        sum(metricValue) as ofAllTime
    from {{ relation_named('logged_events') }}
    where {{ in_sample('entityId', sample) }}
    group by
        entityType,
        entityId,
        metricType
),

feeds as (
    select *
    from {{ ref('feed_metrics') }}
    where {{ in_sample('entityId', sample) }}
),

totals as (
    select *
    from {{ ref('entity_metric_totals') }}
    where {{ in_sample('entityId', sample) }}
)

select
    entityType as entity_type,
    metricType as metric_type,
    entityId as entity_id,
    (feeds.day, feeds.week, feeds.month, feeds.year, feeds.allTime) as windows,
    (logged.ofDay, logged.ofWeek, logged.ofMonth, logged.ofYear, logged.ofAllTime) as of_log,
    totals.total as of_totals
from feeds
full outer join logged using (entityType, entityId, metricType)
full outer join totals using (entityType, entityId, metricType)
where windows != of_log or feeds.allTime != of_totals
{%- else %}
select 'not built' as nothing where false
{%- endif %}
