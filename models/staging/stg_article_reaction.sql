{{ config(slice_key='id', order_by='id') }}

{# Reactions to articles: one row per article, user and kind of reaction. #}

select
    id,
    articleId,
    userId,
    toLowCardinality(reaction) as reaction,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'ArticleReaction') }}
