{# Images made with a model version count for the version and its model, as acts of the image's owner. #}

with resource as (
    select
        resources.modelVersionId as modelVersionId,
        versions.modelId as modelId,
        images.userId as userId,
        images.createdAt as createdAt
    from {{ ref('stg_image_resource_new') }} as resources
    inner join {{ ref('stg_image') }} as images on resources.imageId = images.id
    inner join {{ ref('stg_model_version') }} as versions on resources.modelVersionId = versions.id
)

{{ metric_events('resource', [
    metric('Model', 'Image', entity_id='modelId'),
    metric('ModelVersion', 'Image', entity_id='modelVersionId', entity_joined=true),
]) }}
