{{ config(slice_key='id', order_by='id') }}

{# Entries to bounties: one row per entry. #}

select
    id,
    userId,
    bountyId,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'BountyEntry') }}
