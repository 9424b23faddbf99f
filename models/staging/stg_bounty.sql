{{ config(slice_key='id', order_by='id') }}

{# Bounties: one row per bounty. #}

select
    id,
    userId
from {{ source('postgres', 'Bounty') }}
