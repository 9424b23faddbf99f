{{ config(materialized='view') }}

{#
    What adds up to a total: what is sealed, one row a metric, and the events since, one row each. Sealed and open part
    on one stored boundary, read once a query.
#}

with {{ current_seam() }} as seam

select
    entityType,
    entityId,
    metricType,
    total as value,
    seam.2 - toIntervalMillisecond(1) as createdAt
from {{ ref('entity_metric_sealed') }}
where {{ is_of_generation('seam.1') }}

union all

select
    entityType,
    entityId,
    metricType,
    metricValue as value,
    toDateTime64(log.createdAt, 3, 'UTC') as createdAt
from {{ ref('logged_events') }} as log
where log.createdAt >= seam.2
