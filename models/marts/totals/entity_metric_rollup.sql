{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    on_schema_change='fail',
    engine='MergeTree()',
    partition_by='toYYYYMM(day)',
    order_by='(entityType, entityId, metricType, day)',
    query_settings={'max_partitions_per_insert_block': 0},
    pre_hook='{{ begin_roll_up() }}',
    post_hook='{{ end_roll_up() }}'
) }}

{#
    The event log added up by day. A month is rebuilt whole, and only if its part of the log has changed: nothing is ever
    added to what is there, so no event can count twice.
#}

with event as (
    select
        cast(entityType, 'LowCardinality(String)') as entityType,
        toInt32(entityId) as entityId,
        cast(metricType, 'LowCardinality(String)') as metricType,
        toDate(createdAt, 'UTC') as day,
        metricValue
    from {{ source('event_log', 'entityMetricEvents') }}
    where toYYYYMM(createdAt, 'UTC') in ({{ changed_months() }})
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
