{# Downloads of model versions, without the traffic that is no user's (user -1). #}

with download as (
    select
        modelId,
        modelVersionId,
        userId,
        toDateTime64(time, 3, 'UTC') as createdAt
    from {{ source('application', 'modelVersionEvents') }}
    where
        type = 'Download'
        and userId != -1
)

{{ metric_events('download', [
    metric('Model', 'Download', entity_id='modelId', when='modelId != 0'),
    metric('ModelVersion', 'Download', entity_id='modelVersionId', when='modelVersionId != 0'),
]) }}
