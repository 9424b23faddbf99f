select
    id,
    modelId,
    toLowCardinality(status) as status,
    toDateTime64(publishedAt, 3, 'UTC') as publishedAt
from `metrics_postgres`.`ModelVersion`
