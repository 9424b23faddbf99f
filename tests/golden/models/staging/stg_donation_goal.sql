select
    id,
    modelVersionId,
    entityType,
    entityId
from `metrics_postgres`.`DonationGoal`
