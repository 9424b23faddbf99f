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
    entityType,
    entityId,
    userId,
    metricType,
    any(metricValue) as metricValue,
    min(createdAt) as createdAt
from (
    select
        event.1 as entityType,
        assumeNotNull(event.2) as entityId,
        ifNull(event.3, 0) as userId,
        event.4 as metricType,
        event.5 as metricValue,
        ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt,
        event.8 as sourceRow
    from (
        select
            arrayJoin([
                -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event? which source row?
                (
                    'Model', modelId, addedById, 'Favorite', 1, addedAt,
                    addedById is not null and modelId in (select id from `metrics`.`stg_model`),
                    0
                ),
                (
                    'Model', modelId, addedById, 'Collection', 1, addedAt,
                    addedById is not null and modelId in (select id from `metrics`.`stg_model`),
                    0
                ),
                (
                    'ModelVersion', modelVersionId, addedById, 'Collection', 1, addedAt,
                    addedById is not null and modelVersionId in (select id from `metrics`.`stg_model_version`),
                    0
                ),
                (
                    'Post', postId, addedById, 'Collection', 1, addedAt,
                    postId in (select id from `metrics`.`stg_post`),
                    id
                ),
                (
                    'Image', imageId, addedById, 'Collection', 1, addedAt,
                    imageId in (select id from `metrics`.`stg_image`),
                    id
                ),
                (
                    'Article', articleId, addedById, 'Favorite', 1, addedAt,
                    articleId in (select id from `metrics`.`stg_article`),
                    id
                ),
                (
                    'Article', articleId, addedById, 'Collection', 1, addedAt,
                    articleId in (select id from `metrics`.`stg_article`),
                    id
                ),
                (
                    'Collection', collectionId, addedById, 'Item', 1, addedAt,
                    collectionId in (select id from `metrics`.`stg_collection`),
                    id
                )
            ]) as event
        from item
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow
