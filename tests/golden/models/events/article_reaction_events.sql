with reaction as (
    select
        articleId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_article_reaction`
)

select
    'Article' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    ['ReactionLike', 'ReactionDislike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart'][toLowCardinality(metricNumber)] as metricType,
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
                if(reaction = 'Like' and articleId in (select id from `metrics`.`stg_article`), 1, 0), -- Article ReactionLike
                if(reaction = 'Dislike' and articleId in (select id from `metrics`.`stg_article`), 2, 0), -- Article ReactionDislike
                if(reaction = 'Laugh' and articleId in (select id from `metrics`.`stg_article`), 3, 0), -- Article ReactionLaugh
                if(reaction = 'Cry' and articleId in (select id from `metrics`.`stg_article`), 4, 0), -- Article ReactionCry
                if(reaction = 'Heart' and articleId in (select id from `metrics`.`stg_article`), 5, 0) -- Article ReactionHeart
            ])) as metricNumber
        from reaction
    )
)
