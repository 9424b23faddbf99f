{{ config(warn_if='> 0', error_if='> 0 and min(history) < 0') }}

{#
    No entity has a negative total. In history, that is an error. If a lost live event caused it, a correction is due: a warning
    until the next dbt build --select tag:reconcile.
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
