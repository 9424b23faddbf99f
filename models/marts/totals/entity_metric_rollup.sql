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

{# Marts come after what is published, and lineage goes through. Only while parsing: unit tests stand in for the log alone. #}
{% if not execute %}
    {% do [ref('published_events'), ref('published_corrections')] %}
{% endif %}

with event as (
    select
        entityType,
        entityId,
        metricType,
        toDate(createdAt, 'UTC') as day,
        metricValue
    from {{ ref('logged_events') }}
    where toYYYYMM(createdAt, 'UTC') global in ({{ changed_months() }})
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
