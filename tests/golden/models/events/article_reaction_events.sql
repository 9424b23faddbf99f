with reaction as (
    select
        articleId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_article_reaction`
)

select
    event.1 as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    event.4 as metricType,
    event.5 as metricValue,
    ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        arrayJoin([
            -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event?
            (
                'Article', articleId, userId, 'ReactionLike', 1, createdAt,
                reaction = 'Like' and articleId in (select id from `metrics`.`stg_article`)
            ),
            (
                'Article', articleId, userId, 'ReactionDislike', 1, createdAt,
                reaction = 'Dislike' and articleId in (select id from `metrics`.`stg_article`)
            ),
            (
                'Article', articleId, userId, 'ReactionLaugh', 1, createdAt,
                reaction = 'Laugh' and articleId in (select id from `metrics`.`stg_article`)
            ),
            (
                'Article', articleId, userId, 'ReactionCry', 1, createdAt,
                reaction = 'Cry' and articleId in (select id from `metrics`.`stg_article`)
            ),
            (
                'Article', articleId, userId, 'ReactionHeart', 1, createdAt,
                reaction = 'Heart' and articleId in (select id from `metrics`.`stg_article`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0
