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
    ['Post', 'Image', 'Article', 'Article', 'Collection'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['Collection', 'Collection', 'Favorite', 'Collection', 'Item'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(addedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        addedAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(postId in (select id from `metrics`.`stg_post`), 1, 0),             postId,       addedById, 1), -- Post Collection
            (if(imageId in (select id from `metrics`.`stg_image`), 2, 0),           imageId,      addedById, 1), -- Image Collection
            (if(articleId in (select id from `metrics`.`stg_article`), 3, 0),       articleId,    addedById, 1), -- Article Favorite
            (if(articleId in (select id from `metrics`.`stg_article`), 4, 0),       articleId,    addedById, 1), -- Article Collection
            (if(collectionId in (select id from `metrics`.`stg_collection`), 5, 0), collectionId, addedById, 1) -- Collection Item
        ])) as event
    from item
)

union all

select
    ['Model', 'Model', 'ModelVersion'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['Favorite', 'Collection', 'Collection'][toLowCardinality(event.1)] as metricType,
    any(event.4) as metricValue,
    min(greatest(ifNull(addedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC'))) as createdAt
from (
    select
        addedAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(addedById is not null and modelId in (select id from `metrics`.`stg_model`), 1, 0),                modelId,        addedById, 1), -- Model Favorite
            (if(addedById is not null and modelId in (select id from `metrics`.`stg_model`), 2, 0),                modelId,        addedById, 1), -- Model Collection
            (if(addedById is not null and modelVersionId in (select id from `metrics`.`stg_model_version`), 3, 0), modelVersionId, addedById, 1) -- ModelVersion Collection
        ])) as event
    from item
)
group by
    event.1,
    entityId,
    userId
