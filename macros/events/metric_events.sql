{#
    The query of an events model. It reads each source row once and makes the events of all metrics from it. The rules for every
    event stand here and nowhere else: a missing user is user 0, an unknown time is 2022-11-01, a time before 1970 is
    1970-01-01 00:00:01, a value of 0 is no event, and the entity must still exist.

    Arguments:
        rows      name of the CTE (or relation) with the source rows
        metrics   list of metric(...)
        row_id    column that tells the source rows apart; needed only if some metrics are once_per_user and others are not
    Returns: a select of entityType, entityId, userId, metricType, metricValue, createdAt.
    Sets: the model's meta.metrics (the metrics as given), meta.rows, and a tag for each entity type.
    Raises: a compiler error if row_id is needed and missing, or a metric is given twice.
#}
{% macro metric_events(rows, metrics, row_id=none) %}
    {%- set names, tags = [], [] -%}
    {%- set once = metrics | selectattr('once_per_user') | list -%}
    {%- for metric in metrics -%}
        {%- set name = name_of(metric) -%}
        {%- if name in names -%}
            {%- do exceptions.raise_compiler_error('The metric ' ~ name ~ ' is given twice to metric_events().') -%}
        {%- endif -%}
        {%- if once and not metric.once_per_user and row_id is none -%}
            {%- do exceptions.raise_compiler_error(
                'metric_events() needs row_id: ' ~ name ~ ' counts every row, beside metrics that count once a user. Give it the column that'
                ~ " tells the rows apart: metric_events('" ~ rows ~ "', row_id='id', metrics=[…])."
            ) -%}
        {%- endif -%}
        {%- do names.append(name) -%}
        {%- do tags.append(snake_case(metric.entity_type)) -%}
    {%- endfor -%}
    {{- config(meta={'metrics': metrics, 'rows': rows}, tags=tags | unique | list) -}}
    {{- metric_select(rows, metrics[0]) if metrics | length == 1 else _fanned_out(rows, metrics, (row_id or '0') if once else none) -}}
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
    events are dropped. If row_id is given, some metrics are once_per_user, and only the earliest of a user's events is kept.
#}
{% macro _fanned_out(rows, metrics, row_id) -%}
select
    {{ _by_number(metrics | map(attribute='entity_type')) }} as entityType,
    assumeNotNull(event.2) as entityId,
    {{ _user('event.3') }} as userId,
    {{ _by_number(metrics | map(attribute='metric_type')) }} as metricType,
    {{ 'any(event.4)' if row_id else 'event.4' }} as metricValue,
    {{ 'min(' ~ event_time('event.5') ~ ')' if row_id else event_time('event.5') }} as createdAt
from (
    select
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue, createdAt
            {%- if row_id %}, source row (0 where a user counts once){% endif %}
            {%- for line in _elements(metrics, row_id) %}
            {{ line }}
            {%- endfor %}
        ])) as event
    from {{ rows }}
)
    {%- if row_id %}
group by
    event.1,
    entityId,
    userId,
    event.6
    {%- endif %}
{%- endmacro %}


{# The elements of the array in _fanned_out(), aligned in columns, one line a metric. #}
{% macro _elements(metrics, row_id) %}
    {% set table, lines = [], [] %}
    {% for metric in metrics %}
        {% set is_event = 'if(' ~ _conditions(metric) | join(' and ') ~ ', ' ~ loop.index ~ ', 0)' if _conditions(metric) else loop.index | string %}
        {% do table.append(
            [is_event, metric.entity_id, metric.user_id, metric.value, metric.created_at] + (['0' if metric.once_per_user else row_id] if row_id else [])
        ) %}
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
