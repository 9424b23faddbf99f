select
    id,
    modelVersionId
from `metrics_postgres`.`DonationGoal`
