{#
    The rows of a mart that differ from the event log. One query reads both sides, so a live event that arrives meanwhile is in both or
    in neither. First it finds the buckets that differ (hash_and_bucket), then the entities in them. Only the share parity_sample of the
    entities is compared.
    Arguments: mart, a relation of entityType, entityId, metricType and total; side, the mart's name in the result; by_day, whether
    the mart has a row for each day (UTC).
    Returns: a query of the mart's keys and both sums, without rows if the mart is not built.
#}
{% macro differences_from_the_log(mart, side, by_day=false) %}
    {%- set keys = 'entityType, entityId, metricType' ~ (', day' if by_day) %}
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
            toInt64(0) as in_log,
            {{ hash_and_bucket(keys) }}
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
            metricValue as in_log,
            {{ hash_and_bucket(keys) }}
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
    where bucket global in (
        select bucket
        from term
        group by bucket
        having sum((in_{{ side }} - in_log) * hash) != 0
    )
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
