{{ config(slice_key='bountyId', order_by='bountyId, userId') }}

{# Benefactors of bounties: one row per bounty and user. #}

select
    userId,
    bountyId,
    unitAmount,
    awardedToId,
    toDateTime64(awardedAt, 3, 'UTC') as awardedAt,
    toDateTime64(createdAt, 3, 'UTC') as createdAt,
    toDateTime64(updatedAt, 3, 'UTC') as updatedAt
from {{ source('postgres', 'BountyBenefactor') }}
