{{ config(slice_key='id', order_by='id') }}

{# Reactions to images: one row per image, user and kind of reaction. #}

select
    id,
    imageId,
    userId,
    toLowCardinality(reaction) as reaction,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'ImageReaction') }}
