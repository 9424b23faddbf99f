{{ config(slice_key='imageId', order_by='imageId, modelVersionId') }}

{# Resources of images: one row per image and model version used to make it. #}

select
    imageId,
    modelVersionId
from {{ source('postgres', 'ImageResourceNew') }}
