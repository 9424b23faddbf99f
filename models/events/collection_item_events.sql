{# Things put into collections. A model or version counts once a user, however many collections hold it. #}

{% set added_by_somebody = 'addedById is not null' %}

with item as (
    select
        id,
        collectionId,
        modelId,
        postId,
        imageId,
        articleId,
        modelVersionId,
        addedById,
        coalesce(createdAt, updatedAt) as addedAt
    from {{ ref('stg_collection_item') }}
)

{{ metric_events('item', [
    metric('Model', 'Favorite', entity_id='modelId', user_id='addedById', created_at='addedAt',
        when=added_by_somebody, once_per_user=true),
    metric('Model', 'Collection', entity_id='modelId', user_id='addedById', created_at='addedAt',
        when=added_by_somebody, once_per_user=true),
    metric('ModelVersion', 'Collection', entity_id='modelVersionId', user_id='addedById', created_at='addedAt',
        when=added_by_somebody, once_per_user=true),

    metric('Post', 'Collection', entity_id='postId', user_id='addedById', created_at='addedAt'),
    metric('Image', 'Collection', entity_id='imageId', user_id='addedById', created_at='addedAt'),
    metric('Article', 'Favorite', entity_id='articleId', user_id='addedById', created_at='addedAt'),
    metric('Article', 'Collection', entity_id='articleId', user_id='addedById', created_at='addedAt'),
    metric('Collection', 'Item', entity_id='collectionId', user_id='addedById', created_at='addedAt'),
]) }}
