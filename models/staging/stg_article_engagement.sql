{{ config(slice_key='userId', order_by='userId, articleId') }}

{# What users think of articles: one row per user and article. #}

select
    userId,
    articleId,
    toLowCardinality(type) as type,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'ArticleEngagement') }}
