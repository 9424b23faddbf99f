{{ config(materialized='view') }}

{# What each metric of an entity adds up to, the last event included: one row per entity and metric. #}

select
    entityType,
    entityId,
    metricType,
    sum(value) as total
from {{ ref('entity_metric_terms') }}
group by
    entityType,
    entityId,
    metricType
