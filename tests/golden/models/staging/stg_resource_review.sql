select
    id,
    modelId,
    modelVersionId,
    rating,
    recommended,
    userId,
    exclude,
    tosViolation,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from `metrics_postgres`.`ResourceReview`
