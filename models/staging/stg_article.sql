{{ config(slice_key='id', order_by='id') }}

{# Articles: one row per article. #}

select
    id,
    userId
from {{ source('postgres', 'Article') }}
