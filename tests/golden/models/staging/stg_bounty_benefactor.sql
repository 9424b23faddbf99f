select
    userId,
    bountyId,
    unitAmount,
    awardedToId,
    toDateTime64(awardedAt, 3, 'UTC') as awardedAt,
    toDateTime64(createdAt, 3, 'UTC') as createdAt,
    toDateTime64(updatedAt, 3, 'UTC') as updatedAt
from `metrics_postgres`.`BountyBenefactor`
