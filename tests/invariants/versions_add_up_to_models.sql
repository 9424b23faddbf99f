{#
    Images, generations and earnings of models equal those of their versions, month by month. Only history is compared, since
    single live events can be lost until reconcile corrects them.
#}

{% set cutoff = [cutoff_of('Model'), cutoff_of('ModelVersion')] | min %}

select
    metricType as metric_type,
    toStartOfMonth(createdAt, 'UTC') as month_of_events,
    sumIf(metricValue, entityType = 'Model') as of_models,
    sumIf(metricValue, entityType = 'ModelVersion') as of_versions
from {{ ref('audited_events') }}
where
    entityType in ('Model', 'ModelVersion')
    and metricType in ('Image', 'Generation', 'Earned')
    and createdAt < toStartOfSecond({{ utc_literal(cutoff) }}) - 1
group by metric_type, month_of_events
having of_models != of_versions
