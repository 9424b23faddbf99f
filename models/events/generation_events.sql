{# Image generations: each job counts once for every distinct model version it used, and for the version's model. #}

with job as (
    select
        arrayJoin(arrayDistinct(resourcesUsed)) as modelVersionId,
        userId,
        toDateTime64(createdAt, 3, 'UTC') as createdAt
    from {{ source('orchestration', 'jobs') }}
    where jobType in ('TextToImageV2', 'TextToImage', 'Comfy')
),

generation as (
    select
        jobs.modelVersionId as modelVersionId,
        versions.modelId as modelId,
        jobs.userId as userId,
        jobs.createdAt as createdAt
    from job as jobs
    inner join {{ ref('stg_model_version') }} as versions on jobs.modelVersionId = versions.id
    {%- if var('excluded_generation_versions') %}
    where jobs.modelVersionId not in ({{ var('excluded_generation_versions') | join(', ') }})
    {%- endif %}
)

{{ metric_events('generation', [
    metric('Model', 'Generation', entity_id='modelId'),
    metric('ModelVersion', 'Generation', entity_id='modelVersionId', entity_joined=true),
]) }}
