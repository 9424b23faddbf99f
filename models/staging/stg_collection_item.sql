{{ config(slice_key='id', order_by='id') }}

{# Items of collections: one row per thing put into a collection. #}

select
    id,
    collectionId,
    modelId,
    postId,
    imageId,
    articleId,
    modelVersionId,
    addedById,
    toDateTime64(createdAt, 3, 'UTC') as createdAt,
    toDateTime64(updatedAt, 3, 'UTC') as updatedAt
from {{ source('postgres', 'CollectionItem') }}
