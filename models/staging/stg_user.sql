{{ config(slice_key='id', order_by='id') }}

{# Users: one row per user. #}

select id
from {{ source('postgres', 'User') }}
