-- Collection Follower, from collection_contributor_events
with contributor as (
    select
        collectionId,
        userId,
        permissions,
        coalesce(createdAt, updatedAt) as joinedAt
    from `metrics`.`stg_collection_contributor`
)

select
    'Collection' as entityType,
    assumeNotNull(collectionId) as entityId,
    ifNull(userId, 0) as userId,
    'Follower' as metricType,
    1 as metricValue,
    greatest(ifNull(joinedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from contributor
where
    has(permissions, 'VIEW')
    and collectionId in (select id from `metrics`.`stg_collection`);

-- Collection Contributor, from collection_contributor_events
with contributor as (
    select
        collectionId,
        userId,
        permissions,
        coalesce(createdAt, updatedAt) as joinedAt
    from `metrics`.`stg_collection_contributor`
)

select
    'Collection' as entityType,
    assumeNotNull(collectionId) as entityId,
    ifNull(userId, 0) as userId,
    'Contributor' as metricType,
    1 as metricValue,
    greatest(ifNull(joinedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from contributor
where
    has(permissions, 'ADD')
    and collectionId in (select id from `metrics`.`stg_collection`);

-- Collection Item, from collection_item_events
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
    from `metrics`.`stg_collection_item`
)

select
    'Collection' as entityType,
    assumeNotNull(collectionId) as entityId,
    ifNull(addedById, 0) as userId,
    'Item' as metricType,
    1 as metricValue,
    greatest(ifNull(addedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from item
where collectionId in (select id from `metrics`.`stg_collection`);
