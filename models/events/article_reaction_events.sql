{# Reactions to articles. #}

with reaction as (
    select
        articleId,
        userId,
        reaction,
        createdAt
    from {{ ref('stg_article_reaction') }}
)

{{ metric_events('reaction', [
    metric('Article', 'ReactionLike', entity_id='articleId', when="reaction = 'Like'"),
    metric('Article', 'ReactionDislike', entity_id='articleId', when="reaction = 'Dislike'"),
    metric('Article', 'ReactionLaugh', entity_id='articleId', when="reaction = 'Laugh'"),
    metric('Article', 'ReactionCry', entity_id='articleId', when="reaction = 'Cry'"),
    metric('Article', 'ReactionHeart', entity_id='articleId', when="reaction = 'Heart'"),
]) }}
