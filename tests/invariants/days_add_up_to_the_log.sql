{{ config(tags=['mart']) }}

{#
    What a metric of an entity adds up to on a day is what the event log says of that day (UTC). Both sides are read in one
    query, and so from the same state of the log: live events that arrive meanwhile are in both or in neither. An event
    that arrived after the roll-up and was created before its boundary is found here, until the next roll-up.
#}

{% if is_built(ref('entity_metric_daily')) %}
    with term as (
        select
            entityType,
            entityId,
            metricType,
            day,
            total as in_days,
            toInt64(0) as in_log
        from {{ ref('entity_metric_daily') }}
        where {{ in_sample('entityId', var('parity_sample') | float) }}

        union all

        select
            entityType,
            entityId,
            metricType,
            toDate(createdAt, 'UTC') as day,
            toInt64(0) as in_days,
            toInt64(metricValue) as in_log
        from {{ source('event_log', 'entityMetricEvents') }}
        where {{ in_sample('entityId', var('parity_sample') | float) }}
    )

    select
        entityType as entity_type,
        metricType as metric_type,
        entityId as entity_id,
        day,
        sum(in_days) as of_days,
        sum(in_log) as of_log
    from term
    group by
        entity_type,
        metric_type,
        entity_id,
        day
    having of_days != of_log
{% else %}
    select 'not built' as nothing where false
{% endif %}
