{# Comments in threads. Replies in child threads carry no entity and do not count. #}

with comment as (
    select
        threads.postId as postId,
        threads.imageId as imageId,
        threads.articleId as articleId,
        threads.bountyId as bountyId,
        comments.userId as userId,
        comments.createdAt as createdAt
    from {{ ref('stg_comment_v2') }} as comments
    inner join {{ ref('stg_thread') }} as threads on comments.threadId = threads.id
)

{{ metric_events('comment', [
    metric('Post', 'Comment', entity_id='postId'),
    metric('Image', 'Comment', entity_id='imageId'),
    metric('Article', 'Comment', entity_id='articleId'),
    metric('Bounty', 'Comment', entity_id='bountyId'),
]) }}
