{{ config(order_by='entityType, entityId, fromUserId') }}

{# Tips of Buzz: one row per entity and giver. #}

select
    entityId,
    fromUserId,
    amount,
    toLowCardinality(entityType) as entityType,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'BuzzTip') }}
