select
    userId,
    collectionId,
    permissions,
    toDateTime64(createdAt, 3, 'UTC') as createdAt,
    toDateTime64(updatedAt, 3, 'UTC') as updatedAt
from `metrics_postgres`.`CollectionContributor`
