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
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['ReactionLike', 'ReactionDislike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(reaction = 'Like' and articleId in (select id from `metrics`.`stg_article`), 1, 0),    articleId, userId, 1), -- Article ReactionLike
            (if(reaction = 'Dislike' and articleId in (select id from `metrics`.`stg_article`), 2, 0), articleId, userId, 1), -- Article ReactionDislike
            (if(reaction = 'Laugh' and articleId in (select id from `metrics`.`stg_article`), 3, 0),   articleId, userId, 1), -- Article ReactionLaugh
            (if(reaction = 'Cry' and articleId in (select id from `metrics`.`stg_article`), 4, 0),     articleId, userId, 1), -- Article ReactionCry
            (if(reaction = 'Heart' and articleId in (select id from `metrics`.`stg_article`), 5, 0),   articleId, userId, 1) -- Article ReactionHeart
        ])) as event
    from reaction
)
