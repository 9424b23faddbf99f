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
                'Post', postId, userId, 'Comment', 1, createdAt,
                postId in (select id from `metrics`.`stg_post`)
            ),
            (
                'Image', imageId, userId, 'Comment', 1, createdAt,
                imageId in (select id from `metrics`.`stg_image`)
            ),
            (
                'Article', articleId, userId, 'Comment', 1, createdAt,
                articleId in (select id from `metrics`.`stg_article`)
            ),
            (
                'Bounty', bountyId, userId, 'Comment', 1, createdAt,
                bountyId in (select id from `metrics`.`stg_bounty`)
            )
        ]) as event
    from comment
)
where event.7 and event.5 != 0
