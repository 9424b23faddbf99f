with resource as (
    select
        resources.modelVersionId as modelVersionId,
        versions.modelId as modelId,
        images.userId as userId,
        images.createdAt as createdAt
    from `metrics`.`stg_image_resource_new` as resources
    inner join `metrics`.`stg_image` as images on resources.imageId = images.id
    inner join `metrics`.`stg_model_version` as versions on resources.modelVersionId = versions.id
)

select
    event.1 as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    event.4 as metricType,
    event.5 as metricValue,
    ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        arrayJoin([
            -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event?
            (
                'Model', modelId, userId, 'Image', 1, createdAt,
                modelId in (select id from `metrics`.`stg_model`)
            ),
            (
                'ModelVersion', modelVersionId, userId, 'Image', 1, createdAt,
                true
            )
        ]) as event
    from resource
)
where event.7 and event.5 != 0
