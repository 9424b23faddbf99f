select
    id,
    userId,
    toLowCardinality(status) as status,
    toDateTime64(publishedAt, 3, 'UTC') as publishedAt
from `metrics_postgres`.`Model`
