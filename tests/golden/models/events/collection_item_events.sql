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
    ['Model', 'Model', 'ModelVersion', 'Post', 'Image', 'Article', 'Article', 'Collection'][toLowCardinality(metricNumber)] as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    ['Favorite', 'Collection', 'Collection', 'Collection', 'Collection', 'Favorite', 'Collection', 'Item'][toLowCardinality(metricNumber)] as metricType,
    any(event.3) as metricValue,
    min(ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC'))) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt, source row (0 where a user counts once)
        (
            [modelId, modelVersionId, postId, imageId, articleId, collectionId][[1, 1, 2, 3, 4, 5, 5, 6][metricNumber]],
            addedById,
            1,
            addedAt,
            [0, id][[1, 1, 1, 2, 2, 2, 2, 2][metricNumber]]
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(addedById is not null and modelId in (select id from `metrics`.`stg_model`), 1, 0), -- Model Favorite
                if(addedById is not null and modelId in (select id from `metrics`.`stg_model`), 2, 0), -- Model Collection
                if(addedById is not null and modelVersionId in (select id from `metrics`.`stg_model_version`), 3, 0), -- ModelVersion Collection
                if(postId in (select id from `metrics`.`stg_post`), 4, 0), -- Post Collection
                if(imageId in (select id from `metrics`.`stg_image`), 5, 0), -- Image Collection
                if(articleId in (select id from `metrics`.`stg_article`), 6, 0), -- Article Favorite
                if(articleId in (select id from `metrics`.`stg_article`), 7, 0), -- Article Collection
                if(collectionId in (select id from `metrics`.`stg_collection`), 8, 0) -- Collection Item
            ])) as metricNumber
        from item
    )
)
-- of the events with the same source row, entity and user the earliest stays
group by metricNumber, entityId, userId, event.5
