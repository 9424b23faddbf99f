{{ config(materialized='view', tags=['backfill', 'reconcile', 'marts']) }}

{# Every event of the application's log, live ones included, in the types that all readers go by. #}

select
    cast(entityType, 'LowCardinality(String)') as entityType,
    toInt32(entityId) as entityId,
    userId,
    cast(metricType, 'LowCardinality(String)') as metricType,
    toInt64(metricValue) as metricValue,
    createdAt
from {{ source('event_log', 'entityMetricEvents') }}
