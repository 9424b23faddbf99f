select
    concat('entity:metrics:', entityType, ':', toString(entityId)) as key,
    entityType,
    entityId as id,
    mapFromArrays(groupArrayIf(metricType, total != 0), groupArrayIf(total, total != 0)) as fields
from `metrics`.`entity_metric_totals`
group by
    entityType,
    entityId
