{{ config(slice_key='id', order_by='id') }}

{# Versions of models: one row per version. #}

select
    id,
    modelId,
    toLowCardinality(status) as status,
    toDateTime64(publishedAt, 3, 'UTC') as publishedAt
from {{ source('postgres', 'ModelVersion') }}
