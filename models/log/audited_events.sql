{{ config(materialized='view') }}

{#
    The event log as it would be once what is pending is published: in the windows that are due the pending events, outside of
    them what the log holds. The audit reads this view before anything is published; afterwards no window is due, and it is
    the log.
#}

{#- Most of the log lies outside of every window that is due: it need not be looked up metric by metric. #}
{%- set is_reached -%}
    logged.createdAt >= {{ as_logged('(select min(due_from) from due)') }} and logged.createdAt < {{ as_logged('(select max(due_until) from due)') }}
{%- endset %}

with due as (
    {{ due_windows() }}
)

select
    logged.entityType as entityType,
    logged.entityId as entityId,
    logged.userId as userId,
    logged.metricType as metricType,
    logged.metricValue as metricValue,
    logged.createdAt as createdAt
from {{ ref('logged_events') }} as logged
where not ({{ is_reached }})

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
    from {{ ref('logged_events') }} as logged
    where {{ is_reached }}
) as logged
left join due on logged.entityType = due.entity_type and logged.metricType = due.metric_type
where not (logged.createdAt >= {{ as_logged('due.due_from') }} and logged.createdAt < {{ as_logged('due.due_until') }})

union all

select
    cast(pending.entityType, 'LowCardinality(String)') as entityType,
    toInt32(pending.entityId) as entityId,
    pending.userId as userId,
    cast(pending.metricType, 'LowCardinality(String)') as metricType,
    toInt64(pending.metricValue) as metricValue,
    pending.createdAt as createdAt
from {{ ref('pending_events') }} as pending
inner join due on pending.entityType = due.entity_type and pending.metricType = due.metric_type
