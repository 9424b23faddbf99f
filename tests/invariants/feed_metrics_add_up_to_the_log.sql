{{ config(tags=['mart']) }}

{#
    The windows of feeds are what the event log says, and all time is what it says and what the totals are. Log, windows and totals
    are read in one query. An event that arrived after the roll-up and was created before its boundary is found here, until the next
    roll-up.
#}

-- noqa: disable=all
{%- if is_built(ref('feed_metrics')) and is_built(ref('entity_metric_totals')) %}
{% set sample = var('parity_sample') | float %}
{% set midnight = "(select toStartOfDay(now64(3, 'UTC')))" %}

with side as (
    select
        entityType,
        entityId,
        metricType,
        [day, week, month, year, allTime] as of_feeds,
        [0, 0, 0, 0, 0] as of_log,
        toInt64(0) as of_totals
    from {{ ref('feed_metrics') }}
    where {{ in_sample('entityId', sample) }}

    union all

    select
        entityType,
        entityId,
        metricType,
        [0, 0, 0, 0, 0] as of_feeds,
        [
            if(createdAt >= {{ midnight }} - toIntervalHour(24) and createdAt < {{ midnight }} + toIntervalHour(24), metricValue, 0),
            if(createdAt >= {{ midnight }} - toIntervalHour(7 * 24) and createdAt < {{ midnight }} + toIntervalHour(24), metricValue, 0),
            if(createdAt >= {{ midnight }} - toIntervalHour(30 * 24) and createdAt < {{ midnight }} + toIntervalHour(24), metricValue, 0),
            if(createdAt >= {{ midnight }} - toIntervalHour(365 * 24) and createdAt < {{ midnight }} + toIntervalHour(24), metricValue, 0),
            metricValue
        ] as of_log,
        toInt64(0) as of_totals
    from {{ model_of_the_log('logged_events') }}
    where {{ in_sample('entityId', sample) }}

    union all

    select
        entityType,
        entityId,
        metricType,
        [0, 0, 0, 0, 0] as of_feeds,
        [0, 0, 0, 0, 0] as of_log,
        total as of_totals
    from {{ ref('entity_metric_totals') }}
    where {{ in_sample('entityId', sample) }}
)

select
    entityType as entity_type,
    metricType as metric_type,
    entityId as entity_id,
    sumForEach(of_feeds) as feeds,
    sumForEach(of_log) as log,
    sum(of_totals) as totals
from side
group by
    entity_type,
    metric_type,
    entity_id
having feeds != log or feeds[5] != totals
{%- else %}
select 'not built' as nothing where false
{%- endif %}
