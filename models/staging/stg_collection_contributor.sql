{{ config(slice_key='userId', order_by='userId, collectionId') }}

{# Users of collections: one row per user and collection. #}

select
    userId,
    collectionId,
    permissions,
    toDateTime64(createdAt, 3, 'UTC') as createdAt,
    toDateTime64(updatedAt, 3, 'UTC') as updatedAt
from {{ source('postgres', 'CollectionContributor') }}
