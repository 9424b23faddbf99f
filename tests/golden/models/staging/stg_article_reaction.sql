select
    id,
    articleId,
    userId,
    toLowCardinality(reaction) as reaction,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from `metrics_postgres`.`ArticleReaction`
