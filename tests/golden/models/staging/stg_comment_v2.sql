select
    id,
    threadId,
    userId,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from `metrics_postgres`.`CommentV2`
