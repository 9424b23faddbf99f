select
    id,
    userId,
    postId,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from `metrics_postgres`.`Image`
