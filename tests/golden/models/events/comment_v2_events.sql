with comment as (
    select
        threads.postId as postId,
        threads.imageId as imageId,
        threads.articleId as articleId,
        threads.bountyId as bountyId,
        comments.userId as userId,
        comments.createdAt as createdAt
    from `metrics`.`stg_comment_v2` as comments
    inner join `metrics`.`stg_thread` as threads on comments.threadId = threads.id
)

select
    ['Post', 'Image', 'Article', 'Bounty'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    'Comment' as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(postId in (select id from `metrics`.`stg_post`), 1, 0),       postId,    userId, 1), -- Post Comment
            (if(imageId in (select id from `metrics`.`stg_image`), 2, 0),     imageId,   userId, 1), -- Image Comment
            (if(articleId in (select id from `metrics`.`stg_article`), 3, 0), articleId, userId, 1), -- Article Comment
            (if(bountyId in (select id from `metrics`.`stg_bounty`), 4, 0),   bountyId,  userId, 1) -- Bounty Comment
        ])) as event
    from comment
)
