{# Who follows a collection (may view it) and who contributes to it (may add to it); one row can be both. #}

with contributor as (
    select
        collectionId,
        userId,
        permissions,
        coalesce(createdAt, updatedAt) as joinedAt
    from {{ ref('stg_collection_contributor') }}
)

{{ metric_events('contributor', [
    metric('Collection', 'Follower', entity_id='collectionId', created_at='joinedAt', when="has(permissions, 'VIEW')"),
    metric('Collection', 'Contributor', entity_id='collectionId', created_at='joinedAt', when="has(permissions, 'ADD')"),
]) }}
