{{ config(slice_key='id', order_by='id') }}

{# Donations to goals: one row per donation. #}

select
    id,
    userId,
    donationGoalId,
    amount,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'Donation') }}
