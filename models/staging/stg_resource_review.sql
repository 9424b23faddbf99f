{{ config(slice_key='id', order_by='id') }}

{# Reviews of model versions: one row per version and user. #}

select
    id,
    modelId,
    modelVersionId,
    rating,
    recommended,
    userId,
    exclude,
    tosViolation,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'ResourceReview') }}
