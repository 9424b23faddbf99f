select
    id,
    userId,
    donationGoalId,
    amount,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from `metrics_postgres`.`Donation`
