{{ config(materialized='publication', kind='events') }}

{#
    The backfilled events of the log, of every metric up to where it is published. Building this model publishes what
    pending_events holds; the audit stands between the two, since it depends on what the audit's tests depend on.
#}

-- depends_on: {{ ref('audited_events') }}, {{ ref('metric_catalog') }}{{ depends_on_expected_counts() }}

with published as (
    {{ published_metrics() }}
)

select
    logged.entityType as entityType,
    logged.entityId as entityId,
    logged.userId as userId,
    logged.metricType as metricType,
    logged.metricValue as metricValue,
    logged.createdAt as createdAt
from {{ ref('logged_events') }} as logged
inner join published on logged.entityType = published.entity_type and logged.metricType = published.metric_type
where logged.createdAt < {{ as_logged('published.published_until') }}
