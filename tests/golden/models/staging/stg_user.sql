select id
from `metrics_postgres`.`User`
