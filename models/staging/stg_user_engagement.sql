{{ config(slice_key='userId', order_by='userId, targetUserId') }}

{# What users think of users: one row per user and other user. #}

select
    userId,
    targetUserId,
    toLowCardinality(type) as type,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'UserEngagement') }}
