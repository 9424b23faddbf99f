{{ config(slice_key='id', order_by='id') }}

{# Tags: one row per tag. #}

select id
from {{ source('postgres', 'Tag') }}
