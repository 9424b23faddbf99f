{#
    Where a mart differs from what the event log adds up to. Both sides are read in one query, and so from the same state of
    the log: live events that arrive meanwhile are in both or in neither. Of entities, the share parity_sample is looked at.
    Arguments: mart, a relation of entityType, entityId, metricType and total; side, what its side is called in the
    result; by_day, whether it has a row for each day (UTC).
    Returns: a query of the mart's keys and both sums; one without rows where the mart is not built.
#}
{% macro differences_from_the_log(mart, side, by_day=false) %}
    {%- if is_built(mart) %}
    with term as (
        select
            entityType,
            entityId,
            metricType,
            {%- if by_day %}
            day,
            {%- endif %}
            total as in_{{ side }},
            toInt64(0) as in_log
        from {{ mart }}
        where {{ in_sample('entityId', var('parity_sample') | float) }}

        union all

        select
            entityType,
            entityId,
            metricType,
            {%- if by_day %}
            toDate(createdAt, 'UTC') as day,
            {%- endif %}
            toInt64(0) as in_{{ side }},
            metricValue as in_log
        from {{ relation_named('logged_events') }}
        where {{ in_sample('entityId', var('parity_sample') | float) }}
    )

    select
        entityType as entity_type,
        metricType as metric_type,
        entityId as entity_id,
        {%- if by_day %}
        day,
        {%- endif %}
        sum(in_{{ side }}) as of_{{ side }},
        sum(in_log) as of_log
    from term
    group by
        entity_type,
        metric_type,
        entity_id
        {{- ', day' if by_day }}
    having of_{{ side }} != of_log
    {%- else %}
    select 'not built' as nothing where false
    {%- endif %}
{% endmacro %}
