{{ config(slice_key='id', order_by='id') }}

{# Comments on models: one row per comment. #}

select
    id,
    modelId,
    userId,
    tosViolation,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'Comment') }}
