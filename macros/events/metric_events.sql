{#
    The query of an events model: every row of `rows` is read once and fanned out into the events of all `metrics`. The
    rules that hold for every event stand here and nowhere else: no user is user 0, an unknown time is 2022-11-01, one before
    1970 is 1970-01-01 00:00:01, a value of 0 is no event, and the entity must still exist.

    Arguments:
        rows      name of the CTE (or relation) with the source rows
        metrics   list of metric(...)
        row_id    column that tells the source rows apart; needed only where some metrics are once_per_user and others
                  are not
    Returns: a select of entityType, entityId, userId, metricType, metricValue, createdAt.
    Sets the model's meta.metrics (what it emits: the metrics as given; see metric_queries.sql), meta.rows and its tags (one
    for each entity type).
    Raises: a compiler error where row_id is needed and missing, or a metric is given twice.
#}
{% macro metric_events(rows, metrics, row_id=none) %}
    {%- set names, tags = [], [] -%}
    {%- set once = metrics | selectattr('once_per_user') | list -%}
    {%- for metric in metrics -%}
        {%- set name = metric.entity_type ~ ' ' ~ metric.metric_type -%}
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


{#
    The events of one metric, as a plain select.
    Arguments: rows, as in metric_events(); metric, of metric().
#}
{% macro metric_select(rows, metric) -%}
{%- set conditions = _conditions(metric) -%}
select
    '{{ metric.entity_type }}' as entityType,
    assumeNotNull({{ metric.entity_id }}) as entityId,
    {{ _user(metric.user_id) }} as userId,
    '{{ metric.metric_type }}' as metricType,
    {{ metric.value }} as metricValue,
    {{ 'min(' ~ _time(metric.created_at) ~ ')' if metric.once_per_user else _time(metric.created_at) }} as createdAt
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
    The events of several metrics in one scan: a row becomes an array with an element for each metric, of which those that
    are events remain. Where metrics are once_per_user (row_id is given), the earliest of a user's events is kept.
#}
{% macro _fanned_out(rows, metrics, row_id) -%}
select
    {{ _name_of(metrics | map(attribute='entity_type')) }} as entityType,
    assumeNotNull(event.2) as entityId,
    {{ _user('event.3') }} as userId,
    {{ _name_of(metrics | map(attribute='metric_type')) }} as metricType,
    {{ 'any(event.4)' if row_id else 'event.4' }} as metricValue,
    {{ 'min(' ~ _time('event.5') ~ ')' if row_id else _time('event.5') }} as createdAt
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


{# The elements of the array in _fanned_out(): a line for each metric, in columns. #}
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
        {% do lines.append('(' ~ cells | join(' ') ~ ' ' ~ row[-1] ~ ')' ~ (',' if not loop.last) ~ ' -- ' ~ metric.entity_type ~ ' ' ~ metric.metric_type) %}
    {% endfor %}
    {% do return(lines) %}
{% endmacro %}


{# The name of an event's metric, looked up once for each number and not for each row; where all have the same, that. #}
{% macro _name_of(names) -%}
    {%- set names = names | list -%}
    {%- if names | unique(case_sensitive=true) | list | length == 1 -%}
        '{{ names[0] }}'
    {%- else -%}
        ['{{ names | join("', '") }}'][toLowCardinality(event.1)]
    {%- endif -%}
{%- endmacro %}


{# No user is user 0. #}
{% macro _user(column) -%}
    {{ column if column == '0' else 'ifNull(' ~ column ~ ', 0)' }}
{%- endmacro %}


{# An unknown time is 2022-11-01. One before 1970, which a log in whole seconds cannot keep, is 1970-01-01 00:00:01. #}
{% macro _time(column) -%}
    greatest(ifNull({{ column }}, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC'))
{%- endmacro %}


{# The conditions under which a row is an event of the metric: the rule holds, the entity exists, the value is not 0. #}
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


{# 'ModelVersion' → 'model_version': the name of an entity type in tags and in names of models. #}
{% macro snake_case(name) -%}
    {{- return(modules.re.sub('(?<!^)(?=[A-Z])', '_', name) | lower) -}}
{%- endmacro %}
