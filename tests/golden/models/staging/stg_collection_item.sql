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
from `metrics_postgres`.`CollectionItem`
