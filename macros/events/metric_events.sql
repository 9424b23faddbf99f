{#
    The query of an events model. It reads each source row once and makes the events of all metrics from it; a second time, if
    some metrics count once a user. The rules for every event stand here and nowhere else: a missing user is user 0, an unknown
    time is 2022-11-01, a time before 1970 is 1970-01-01 00:00:01, a value of 0 is no event, and the entity must still exist.

    Arguments:
        rows      name of the CTE (or relation) with the source rows
        metrics   list of metric(...)
    Returns: a select of entityType, entityId, userId, metricType, metricValue, createdAt.
    Sets: the model's meta.metrics (the metrics as given), meta.rows, and a tag for each entity type.
    Raises: a compiler error if a metric is given twice.
#}
{% macro metric_events(rows, metrics) %}
    {%- set names, tags = [], [] -%}
    {%- for metric in metrics -%}
        {%- set name = name_of(metric) -%}
        {%- if name in names -%}
            {%- do exceptions.raise_compiler_error('The metric ' ~ name ~ ' is given twice to metric_events().') -%}
        {%- endif -%}
        {%- do names.append(name) -%}
        {%- do tags.append(snake_case(metric.entity_type)) -%}
    {%- endfor -%}
    {{- config(meta={'metrics': metrics, 'rows': rows}, tags=tags | unique | list) -}}
    {%- set selects = [] -%}
    {%- for of_each in [metrics | rejectattr('once_per_user') | list, metrics | selectattr('once_per_user') | list] if of_each -%}
        {%- do selects.append(metric_select(rows, of_each[0]) if of_each | length == 1 else _fanned_out(rows, of_each)) -%}
    {%- endfor -%}
    {{- selects | join('\n\nunion all\n\n') -}}
{% endmacro %}


{# The events of one metric, as a plain select. Arguments: rows, as in metric_events(); metric, of metric(). #}
{% macro metric_select(rows, metric) -%}
{%- set conditions = _conditions(metric) -%}
select
    '{{ metric.entity_type }}' as entityType,
    assumeNotNull({{ metric.entity_id }}) as entityId,
    {{ _user(metric.user_id) }} as userId,
    '{{ metric.metric_type }}' as metricType,
    {{ metric.value }} as metricValue,
    {{ 'min(' ~ event_time(metric.created_at) ~ ')' if metric.once_per_user else event_time(metric.created_at) }} as createdAt
from {{ rows }}
    {%- if conditions | length == 1 %}
where {{ conditions[0] }}
    {%- elif conditions %}
where
    {{ conditions | join('\n    and ') }}
    {%- endif %}
    {%- if metric.once_per_user %}
group by
    entityId,
    userId
    {%- endif %}
{%- endmacro %}


{#
    The events of several metrics in one scan: each row becomes an array with one element a metric, and elements that are no
    events are dropped. If the metrics are once_per_user, only the earliest of a user's events is kept.

    If all metrics happen at the same time of the row, it stays beside the array, where a filter for a window reaches the tables.
#}
{% macro _fanned_out(rows, metrics) -%}
{%- set once = metrics[0].once_per_user -%}
{%- set times = metrics | map(attribute='created_at') | unique(case_sensitive=true) | list -%}
{%- set time = event_time(times[0] if times | length == 1 else 'event.5') -%}
select
    {{ _by_number(metrics | map(attribute='entity_type')) }} as entityType,
    assumeNotNull(event.2) as entityId,
    {{ _user('event.3') }} as userId,
    {{ _by_number(metrics | map(attribute='metric_type')) }} as metricType,
    {{ 'any(event.4)' if once else 'event.4' }} as metricValue,
    {{ 'min(' ~ time ~ ')' if once else time }} as createdAt
from (
    select
        {%- if times | length == 1 %}
        {{ times[0] }},
        {%- endif %}
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue{{ ', createdAt' if times | length > 1 }}
            {%- for line in _elements(metrics, times | length > 1) %}
            {{ line }}
            {%- endfor %}
        ])) as event
    from {{ rows }}
)
    {%- if once %}
group by
    event.1,
    entityId,
    userId
    {%- endif %}
{%- endmacro %}


{# The elements of the array in _fanned_out(), aligned in columns, one line a metric. #}
{% macro _elements(metrics, with_time) %}
    {% set table, lines = [], [] %}
    {% for metric in metrics %}
        {% set is_event = 'if(' ~ _conditions(metric) | join(' and ') ~ ', ' ~ loop.index ~ ', 0)' if _conditions(metric) else loop.index | string %}
        {% do table.append([is_event, metric.entity_id, metric.user_id, metric.value] + ([metric.created_at] if with_time else [])) %}
    {% endfor %}
    {% for row in table %}
        {% set cells, metric = [], metrics[loop.index0] %}
        {% for cell in row[:-1] %}
            {% do cells.append((cell ~ ',').ljust(table | map(attribute=loop.index0) | map('length') | max + 1)) %}
        {% endfor %}
        {% do lines.append('(' ~ cells | join(' ') ~ ' ' ~ row[-1] ~ ')' ~ (',' if not loop.last) ~ ' -- ' ~ name_of(metric)) %}
    {% endfor %}
    {% do return(lines) %}
{% endmacro %}


{# The name at the number of an event's metric. LowCardinality: ClickHouse looks it up once a number, not once a row. #}
{% macro _by_number(names) -%}
    {%- set names = names | list -%}
    {%- if names | unique(case_sensitive=true) | list | length == 1 -%}
        '{{ names[0] }}'
    {%- else -%}
        ['{{ names | join("', '") }}'][toLowCardinality(event.1)]
    {%- endif -%}
{%- endmacro %}


{% macro _user(column) -%}
    {{ column if column == '0' else 'ifNull(' ~ column ~ ', 0)' }}
{%- endmacro %}


{# A time (column) as an event has it: a log in whole seconds cannot keep one before 1970. #}
{% macro event_time(column) -%}
    greatest(ifNull({{ column }}, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC'))
{%- endmacro %}


{% macro _conditions(metric) %}
    {% set conditions = [] %}
    {% if metric.when is not none %}
        {% do conditions.append('(' ~ metric.when ~ ')' if ' or ' in metric.when else metric.when) %}
    {% endif %}
    {% if not metric.entity_joined %}
        {% do conditions.append(metric.entity_id ~ ' in (select id from ' ~ ref('stg_' ~ snake_case(metric.entity_type)) ~ ')') %}
    {% endif %}
    {% if metric.value != '1' %}
        {% do conditions.append(metric.value ~ ' != 0') %}
    {% endif %}
    {% do return(conditions) %}
{% endmacro %}
