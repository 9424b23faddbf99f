{{ config(fail_calc='sum(if(history < 0, 1000000, 1))', warn_if='> 0', error_if='>= 1000000') }}

{#
    No entity has less than nothing of a metric. History below nothing is an error. Where live events took away more than
    there was (one was lost), a correction is pending: a warning, until the next dbt run --select tag:reconcile. Metrics
    whose corrections are under way (intended, but not yet published) are left out.
#}

with correcting as (
    select distinct entity_type || ' ' || metric_type as metric
    from (
        select
            entity_type,
            metric_type
        from {{ corrections() }}
        where event_log = '{{ var("event_log") }}'
        group by
            entity_type,
            metric_type,
            corrected_at
        having countIf(state = 'published') = 0
    )
)

select
    toString(entityType) as entity_type,
    toString(metricType) as metric_type,
    toInt64(entityId) as entity_id,
    sum(metricValue) as total,
    sumIf(metricValue, createdAt < {{ cutoff_by_entity_type('entityType') }}) as history
from {{ event_log() }}
where
    entityType || ' ' || metricType not in (select correcting.metric from correcting)
    and {{ in_sample('entityId', var('parity_sample') | float) }}
group by
    entity_type,
    metric_type,
    entity_id
having total < 0 or history < 0
