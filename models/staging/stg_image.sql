{{ config(slice_key='id', order_by='id') }}

{# Images: one row per image. #}

select
    id,
    userId,
    postId,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'Image') }}
