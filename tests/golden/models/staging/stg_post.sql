select
    id,
    userId,
    toDateTime64(publishedAt, 3, 'UTC') as publishedAt
from `metrics_postgres`.`Post`
