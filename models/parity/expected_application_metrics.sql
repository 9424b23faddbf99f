{{ config(tags=['backfill', 'reconcile']) }}

{#
    What the metrics must add up to whose rows are in ClickHouse, counted there apart from the events models:
    downloads, generations and earnings of models and their versions.
#}

with version as (
    select
        id,
        modelId
    from {{ source('postgres', 'ModelVersion') }}
),

download as (
    select
        'Model' as entity_type,
        modelId as entity_id,
        'Download' as metric_type,
        1 as metric_value,
        time as created_at
    from {{ source('application', 'modelVersionEvents') }}
    where type = 'Download' and userId != -1 and modelId in (select known.id from {{ source('postgres', 'Model') }} as known)

    union all

    select
        'ModelVersion' as entity_type,
        modelVersionId as entity_id,
        'Download' as metric_type,
        1 as metric_value,
        time as created_at
    from {{ source('application', 'modelVersionEvents') }}
    where type = 'Download' and userId != -1 and modelVersionId in (select version.id from version)
),

-- a job counts once for each version it used, however often it names it
job as (
    select
        arrayJoin(arrayDistinct(resourcesUsed)) as version_id,
        createdAt as created_at
    from {{ source('orchestration', 'jobs') }}
    where jobType in ('TextToImageV2', 'TextToImage', 'Comfy')
),

generation as (
    select
        arrayJoin([('Model', toInt64(version.modelId)), ('ModelVersion', toInt64(version.id))]) as entity,
        job.created_at as created_at
    from job
    inner join version on job.version_id = version.id
    {%- if var('excluded_generation_versions') %}
    where version.id not in ({{ var('excluded_generation_versions') | join(', ') }})
    {%- endif %}
),

-- restated rows: the latest holds
earning as (
    select
        date,
        modelVersionId as version_id,
        argMax(total, updated_at) as total
    from {{ source('application', 'buzz_resource_compensation') }}
    group by date, modelVersionId
),

earned as (
    select
        arrayJoin([('Model', toInt64(version.modelId)), ('ModelVersion', toInt64(version.id))]) as entity,
        earning.total as total,
        toDateTime64(earning.date, 3, 'UTC') as created_at
    from earning
    inner join version on earning.version_id = version.id
    where earning.total > 0
),

event as (
    select
        entity_type,
        toInt64(entity_id) as entity_id,
        metric_type,
        toInt64(metric_value) as metric_value,
        toDateTime64(created_at, 3, 'UTC') as created_at
    from download

    union all

    select
        entity.1 as entity_type,
        entity.2 as entity_id,
        'Generation' as metric_type,
        toInt64(1) as metric_value,
        toDateTime64(created_at, 3, 'UTC') as created_at
    from generation

    union all

    select
        entity.1 as entity_type,
        entity.2 as entity_id,
        'Earned' as metric_type,
        toInt64(total) as metric_value,
        created_at
    from earned
)

select
    entity_type,
    entity_id,
    metric_type,
    sumIf(
        metric_value,
        created_at < if(entity_type = 'Model', {{ utc_literal(cutoff_of('Model')) }}, {{ utc_literal(cutoff_of('ModelVersion')) }})
        {{- ' and created_at >= ' ~ utc_literal(model.counted_since) if model.counted_since }}
    ) as expected,
    sum(metric_value) as expected_now
from event
group by entity_type, entity_id, metric_type
