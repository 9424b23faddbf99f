{{ config(severity='warn') }}

{#
    Each metric that the run answers for has an event before its cutoff. One without any may have a rule that never holds, or a
    source that was never filled. A log without any event is not tested. If CollectionItem has no modelVersionId,
    ModelVersion Collection has no events.
#}

{% set metrics = [] %}
{% for entity_type in entity_types() if flags.WHICH in ['test', 'build'] %}
    {% for metric_type in audited_metric_types(entity_type) if entity_type ~ ' ' ~ metric_type != 'ModelVersion Collection' %}
        {% do metrics.append((entity_type, metric_type)) %}
    {% endfor %}
{% endfor %}

with known as (
    select
        metric.1 as entity_type,
        metric.2 as metric_type
    from (select arrayJoin({{ metrics or [('', '')] }}) as metric)
    where metric.1 != ''
),

counted as (
    select
        entityType as entity_type,
        metricType as metric_type,
        count() as events
    from {{ ref('audited_events') }}
    where createdAt < {{ cutoff_by_entity_type('entityType') }}
    group by
        entity_type,
        metric_type
),

found as (
    select
        known.entity_type as entity_type,
        known.metric_type as metric_type,
        counted.events as events,
        sum(counted.events) over () as events_of_all
    from known
    left join counted on known.entity_type = counted.entity_type and known.metric_type = counted.metric_type
)

select
    entity_type,
    metric_type
from found
where
    events = 0
    and events_of_all > 0
