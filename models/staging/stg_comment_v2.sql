{{ config(slice_key='id', order_by='id') }}

{# Comments in threads: one row per comment. #}

select
    id,
    threadId,
    userId,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'CommentV2') }}
