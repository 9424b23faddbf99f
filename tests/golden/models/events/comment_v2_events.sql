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
    ['Post', 'Image', 'Article', 'Bounty'][toLowCardinality(metricNumber)] as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Comment' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            [postId, imageId, articleId, bountyId][metricNumber],
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(postId in (select id from `metrics`.`stg_post`), 1, 0), -- Post Comment
                if(imageId in (select id from `metrics`.`stg_image`), 2, 0), -- Image Comment
                if(articleId in (select id from `metrics`.`stg_article`), 3, 0), -- Article Comment
                if(bountyId in (select id from `metrics`.`stg_bounty`), 4, 0) -- Bounty Comment
            ])) as metricNumber
        from comment
    )
)
