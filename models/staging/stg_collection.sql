{{ config(slice_key='id', order_by='id') }}

{# Collections: one row per collection. #}

select
    id,
    userId
from {{ source('postgres', 'Collection') }}
