{# Tags that users follow or hide. #}

with engagement as (
    select
        tagId,
        userId,
        type,
        createdAt
    from {{ ref('stg_tag_engagement') }}
)

{{ metric_events('engagement', [
    metric('Tag', 'Hidden', entity_id='tagId', when="type = 'Hide'"),
    metric('Tag', 'Follower', entity_id='tagId', when="type = 'Follow'"),
]) }}
