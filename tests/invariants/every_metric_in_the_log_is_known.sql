{{ config(severity='warn', store_failures=true, schema='failures') }}

{#
    The log holds no metric that the catalog does not know: one that was taken out of it or renamed, or a mistyped one of live
    tracking. Totals and caches serve such a metric like any other. Of those that were backfilled, dbt run-operation
    remove_metric takes the backfilled events out of the log.
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
where (toString(logged.entityType), toString(logged.metricType)) not in (
    select (known.entity_type, known.metric_type)
    from {{ ref('metric_catalog') }} as known
)
group by
    entity_type,
    metric_type
