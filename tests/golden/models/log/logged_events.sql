select
    cast(entityType, 'LowCardinality(String)') as entityType,
    toInt32(entityId) as entityId,
    userId,
    cast(metricType, 'LowCardinality(String)') as metricType,
    toInt64(metricValue) as metricValue,
    createdAt
from `default`.`entityMetricEvents`
