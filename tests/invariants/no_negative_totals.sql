{{ config(warn_if='> 0', error_if='> 0 and min(history) < 0') }}

{#
    No entity has less than nothing of a metric. History below nothing is an error. Where live events took away more than
    there was (one was lost), a correction is pending: a warning, until the next dbt run --select tag:reconcile.
#}

select
    toString(entityType) as entity_type,
    toString(metricType) as metric_type,
    toInt64(entityId) as entity_id,
    sum(metricValue) as total,
    sumIf(metricValue, createdAt < {{ cutoff_by_entity_type('entityType') }}) as history
from {{ ref('audited_events') }}
where {{ in_sample('entityId', var('parity_sample') | float) }}
group by
    entity_type,
    metric_type,
    entity_id
having total < 0 or history < 0
