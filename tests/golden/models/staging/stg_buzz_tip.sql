select
    entityId,
    fromUserId,
    amount,
    toLowCardinality(entityType) as entityType,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from `metrics_postgres`.`BuzzTip`
