{{ config(slice_key='userId', order_by='userId, tagId') }}

{# What users think of tags: one row per user and tag. #}

select
    userId,
    tagId,
    toLowCardinality(type) as type,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'TagEngagement') }}
