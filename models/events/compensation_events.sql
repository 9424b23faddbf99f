{# Buzz earned by model versions, as last restated; nobody in particular pays it. #}

with earning as (
    select
        modelVersionId,
        total,
        toDateTime64(date, 3, 'UTC') as createdAt
    from {{ source('application', 'buzz_resource_compensation') }}
    -- of a restated row only the last version counts, merged or not
    settings final = 1
),

compensation as (
    select
        earnings.modelVersionId as modelVersionId,
        versions.modelId as modelId,
        earnings.total as total,
        earnings.createdAt as createdAt
    from earning as earnings
    inner join {{ ref('stg_model_version') }} as versions on earnings.modelVersionId = versions.id
)

{{ metric_events('compensation', [
    metric('Model', 'Earned', entity_id='modelId', user_id='0', value='total'),
    metric('ModelVersion', 'Earned', entity_id='modelVersionId', user_id='0', value='total', entity_joined=true),
]) }}
