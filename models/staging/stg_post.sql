{{ config(slice_key='id', order_by='id') }}

{# Posts: one row per post. #}

select
    id,
    userId,
    toDateTime64(publishedAt, 3, 'UTC') as publishedAt
from {{ source('postgres', 'Post') }}
