select id
from `metrics_postgres`.`Tag`
