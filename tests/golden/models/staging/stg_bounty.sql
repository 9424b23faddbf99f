select
    id,
    userId
from `metrics_postgres`.`Bounty`
