{# Follows and hides between users. #}

with engagement as (
    select
        userId,
        targetUserId,
        type,
        createdAt
    from {{ ref('stg_user_engagement') }}
)

{{ metric_events('engagement', [
    metric('User', 'Following', entity_id='userId', when="type = 'Follow'"),
    metric('User', 'Follower', entity_id='targetUserId', when="type = 'Follow'"),
    metric('User', 'Hidden', entity_id='targetUserId', when="type = 'Hide'"),
]) }}
