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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Hide' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            articleId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(type = 'Hide' and articleId in (select id from `metrics`.`stg_article`), 1, 0) -- Article Hide
            ])) as metricNumber
        from engagement
    )
)
