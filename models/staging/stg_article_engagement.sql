{{ config(slice_key='userId', order_by='userId, articleId, type') }}

{# What users think of articles: one row per user, article and kind. #}

select
    userId,
    articleId,
    toLowCardinality(type) as type,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'ArticleEngagement') }}
