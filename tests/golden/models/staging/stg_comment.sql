select
    id,
    modelId,
    userId,
    tosViolation,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from `metrics_postgres`.`Comment`
