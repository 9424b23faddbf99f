{{ config(slice_key='bountyEntryId', order_by='bountyEntryId, userId, reaction') }}

{# Reactions to bounty entries: one row per entry, user and kind of reaction. #}

select
    bountyEntryId,
    userId,
    toLowCardinality(reaction) as reaction,
    toDateTime64(createdAt, 3, 'UTC') as createdAt
from {{ source('postgres', 'BountyEntryReaction') }}
