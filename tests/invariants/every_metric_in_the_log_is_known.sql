{{ config(severity='warn', store_failures=true, schema='failures') }}

{#
    Every metric in the log is in the catalog. Others have left it, were renamed, or are mistyped by live tracking; totals and
    caches serve them all the same. dbt run-operation remove_metric removes their backfilled events.
#}

-- depends_on: {{ ref('published_events') }}

with published as (
    {{ published_metrics() }}
)

select
    toString(logged.entityType) as entity_type,
    toString(logged.metricType) as metric_type,
    count() as events,
    sum(logged.metricValue) as total,
    countIf(logged.createdAt < {{ as_logged('published.published_until') }}) as backfilled_events,
    min(logged.createdAt) as first_event,
    max(logged.createdAt) as last_event
from {{ ref('audited_events') }} as logged
left join published on logged.entityType = published.entity_type and logged.metricType = published.metric_type
where (toString(logged.entityType), toString(logged.metricType)) global not in (
    select (known.entity_type, known.metric_type)
    from {{ ref('metric_catalog') }} as known
)
group by
    entity_type,
    metric_type
