{# Buzz earned by model versions, as last restated; nobody in particular pays it. #}

with compensation as (
    select
        earnings.modelVersionId as modelVersionId,
        versions.modelId as modelId,
        earnings.total as total,
        toDateTime64(earnings.date, 3, 'UTC') as createdAt
    from {{ source('application', 'buzz_resource_compensation') }} as earnings final
    inner join {{ ref('stg_model_version') }} as versions on earnings.modelVersionId = versions.id
)

{{ metric_events('compensation', [
    metric('Model', 'Earned', entity_id='modelId', user_id='0', value='total'),
    metric('ModelVersion', 'Earned', entity_id='modelVersionId', user_id='0', value='total', entity_joined=true),
]) }}
