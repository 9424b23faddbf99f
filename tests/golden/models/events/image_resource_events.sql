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
    ['Model', 'ModelVersion'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    'Image' as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(modelId in (select id from `metrics`.`stg_model`), 1, 0), modelId,        userId, 1), -- Model Image
            (2,                                                           modelVersionId, userId, 1) -- ModelVersion Image
        ])) as event
    from resource
)
