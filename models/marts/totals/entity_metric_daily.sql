{{ config(materialized='view') }}

{# What each metric of an entity adds up to a day, today included: one row per entity, metric and day (UTC). #}

with {{ current_seam() }} as seam

select
    entityType,
    entityId,
    metricType,
    day,
    total
from {{ ref('entity_metric_rollup') }}
where day < toDate(seam.2, 'UTC')

union all

select
    cast(entityType, 'LowCardinality(String)') as entityType,
    toInt32(entityId) as entityId,
    cast(metricType, 'LowCardinality(String)') as metricType,
    toDate(createdAt, 'UTC') as day,
    sum(toInt64(metricValue)) as total
from {{ source('event_log', 'entityMetricEvents') }}
where createdAt >= seam.2
group by
    entityType,
    entityId,
    metricType,
    day
