{{ config(materialized='view') }}

{# The hash in Redis of each entity: a field for each metric whose total is not 0. #}

select
    concat('entity:metrics:', entityType, ':', toString(entityId)) as key,
    entityType,
    entityId as id,
    mapFromArrays(groupArrayIf(metricType, total != 0), groupArrayIf(total, total != 0)) as fields
from {{ ref('entity_metric_totals') }}
group by
    entityType,
    entityId
