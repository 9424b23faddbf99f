{{ config(slice_key='id', order_by='id') }}

{# Goals that users donate to: one row per goal. #}

select
    id,
    modelVersionId
from {{ source('postgres', 'DonationGoal') }}
