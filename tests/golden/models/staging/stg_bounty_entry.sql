select
    id,
    userId,
    bountyId,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from `metrics_postgres`.`BountyEntry`
