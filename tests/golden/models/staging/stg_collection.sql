select
    id,
    userId
from `metrics_postgres`.`Collection`
