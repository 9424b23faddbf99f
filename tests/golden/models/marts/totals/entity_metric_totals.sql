select
    entityType,
    entityId,
    metricType,
    sum(value) as total
from `metrics`.`entity_metric_terms`
group by
    entityType,
    entityId,
    metricType
