{{ config(tags=['mart']) }}

{#
    Totals are what the event log adds up to, metric by metric and entity by entity. Both sides are read in one query, and
    so from the same state of the log: live events that arrive meanwhile are in both or in neither. An event that arrived
    after the roll-up and was created before its boundary is found here: it is in the log, and in the totals from the next
    roll-up on.
#}

{% if is_built(ref('entity_metric_totals')) %}
    with term as (
        select
            entityType,
            entityId,
            metricType,
            total as in_totals,
            toInt64(0) as in_log
        from {{ ref('entity_metric_totals') }}
        where {{ in_sample('entityId', var('parity_sample') | float) }}

        union all

        select
            entityType,
            entityId,
            metricType,
            toInt64(0) as in_totals,
            toInt64(metricValue) as in_log
        from {{ source('event_log', 'entityMetricEvents') }}
        where {{ in_sample('entityId', var('parity_sample') | float) }}
    )

    select
        entityType as entity_type,
        metricType as metric_type,
        entityId as entity_id,
        sum(in_totals) as of_totals,
        sum(in_log) as of_log
    from term
    group by
        entity_type,
        metric_type,
        entity_id
    having of_totals != of_log
{% else %}
    select 'not built' as nothing where false
{% endif %}
