with engagement as (
    select
        articleId,
        userId,
        type,
        createdAt
    from `metrics`.`stg_article_engagement`
)

select
    'Article' as entityType,
    assumeNotNull(articleId) as entityId,
    ifNull(userId, 0) as userId,
    'Hide' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from engagement
where
    type = 'Hide'
    and articleId in (select id from `metrics`.`stg_article`)
