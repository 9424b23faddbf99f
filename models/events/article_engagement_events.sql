{# Articles that users hide. Favourites of articles are counted from collections. #}

with engagement as (
    select
        articleId,
        userId,
        type,
        createdAt
    from {{ ref('stg_article_engagement') }}
)

{{ metric_events('engagement', [
    metric('Article', 'Hide', entity_id='articleId', when="type = 'Hide'"),
]) }}
