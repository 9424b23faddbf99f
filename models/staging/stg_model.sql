{{ config(slice_key='id', order_by='id') }}

{# Models: one row per model. #}

select
    id,
    userId,
    toLowCardinality(status) as status,
    toDateTime64(publishedAt, 3, 'UTC') as publishedAt
from {{ source('postgres', 'Model') }}
