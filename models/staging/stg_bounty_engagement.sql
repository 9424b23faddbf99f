{{ config(order_by='type, bountyId, userId') }}

{# What users think of bounties: one row per kind, bounty and user. #}

select
    userId,
    bountyId,
    toLowCardinality(type) as type,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'BountyEngagement') }}
