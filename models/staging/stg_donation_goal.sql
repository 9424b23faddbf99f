{{ config(slice_key='id', order_by='id') }}

{# Goals that users donate to: one row per goal. #}

select
    id,
    modelVersionId,
    entityType,
    entityId
from {{ source('postgres', 'DonationGoal') }}
