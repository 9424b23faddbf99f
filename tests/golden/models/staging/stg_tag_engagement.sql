select
    userId,
    tagId,
    toLowCardinality(type) as type,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from `metrics_postgres`.`TagEngagement`
