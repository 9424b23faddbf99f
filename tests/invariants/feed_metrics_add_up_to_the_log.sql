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

with term as (
    select
        entityType,
        entityId,
        metricType,
        [day, week, month, year, allTime] as in_feeds,
        [0, 0, 0, 0, 0]::Array(Int64) as in_log,
        toInt64(0) as in_totals,
        {{ hash_and_bucket('entityType, entityId, metricType') }}
    from {{ ref('feed_metrics') }}
    where {{ in_sample('entityId', sample) }}

    union all

    select
        entityType,
        entityId,
        metricType,
        [0, 0, 0, 0, 0] as in_feeds,
        [
            {%- for hours in [24, 7 * 24, 30 * 24, 365 * 24] %}
            if(createdAt >= {{ midnight }} - toIntervalHour({{ hours }}) and createdAt < {{ midnight }} + toIntervalHour(24), metricValue, 0),
            {%- endfor %}
            metricValue
        ] as in_log,
        0 as in_totals,
        {{ hash_and_bucket('entityType, entityId, metricType') }}
    from {{ relation_named('logged_events') }}
    where {{ in_sample('entityId', sample) }}

    union all

    select
        entityType,
        entityId,
        metricType,
        [0, 0, 0, 0, 0] as in_feeds,
        [0, 0, 0, 0, 0] as in_log,
        total as in_totals,
        {{ hash_and_bucket('entityType, entityId, metricType') }}
    from {{ ref('entity_metric_totals') }}
    where {{ in_sample('entityId', sample) }}
)

select
    entityType as entity_type,
    metricType as metric_type,
    entityId as entity_id,
    sumForEach(in_feeds) as windows,
    sumForEach(in_log) as of_log,
    sum(in_totals) as of_totals
from term
where bucket global in (
    select bucket
    from term
    group by bucket
    having
        sumForEach(arrayMap(number -> number * hash, in_feeds)) != sumForEach(arrayMap(number -> number * hash, in_log))
        or sum(in_feeds[5] * hash) != sum(in_totals * hash)
)
group by
    entity_type,
    metric_type,
    entity_id
having windows != of_log or windows[5] != of_totals
{%- else %}
select 'not built' as nothing where false
{%- endif %}
