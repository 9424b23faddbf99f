{#
    The query of an events model: every row of `rows` is read once and fanned out into the events of all
    `metrics`. A row is first joined with the numbers of the metrics that it is an event of, and only then with what
    these events are: most rows are events of few of the metrics. The rules that hold for every event stand here
    and nowhere else: no user is user 0, an unknown time is 2022-11-01, a value of 0 is no event, and the entity
    must still exist.

    Arguments:
        rows      name of the CTE (or relation) with the source rows
        metrics   list of metric(...)
        row_id    column that tells the source rows apart; needed only where some metrics are
                  once_per_user and others are not
    Returns: a select of entityType, entityId, userId, metricType, metricValue, createdAt.
    Sets the model's meta.metrics (what it emits; publication and the catalog tests read it) and its tags
    (one for each entity type).
    Raises: a compiler error where row_id is needed and missing, or a metric is given twice.
#}
{% macro metric_events(rows, metrics, row_id=none) %}
    {%- set pairs = [] -%}
    {%- set tags = [] -%}
    {%- set once = metrics | selectattr('once_per_user') | list | length > 0 -%}
    {%- for metric in metrics -%}
        {%- set pair = metric.entity_type ~ ' ' ~ metric.metric_type -%}
        {%- if pair in pairs -%}
            {%- do exceptions.raise_compiler_error('The metric ' ~ pair ~ ' is given twice to metric_events().') -%}
        {%- endif -%}
        {%- if once and not metric.once_per_user and row_id is none -%}
            {%- do exceptions.raise_compiler_error(
                'metric_events() needs row_id: ' ~ pair ~ ' counts every row, beside metrics that count once a user.'
            ) -%}
        {%- endif -%}
        {%- do pairs.append(pair) -%}
        {%- if snake_case(metric.entity_type) not in tags -%}
            {%- do tags.append(snake_case(metric.entity_type)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- config(meta={'metrics': pairs}, tags=tags) -}}

    {%- set source_rows = [] -%}
    {%- for metric in metrics -%}
        {%- do source_rows.append('0' if metric.once_per_user else row_id) -%}
    {%- endfor -%}
select
    {{ _by_number(metrics | map(attribute='entity_type'), names=true) }} as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    {{ _by_number(metrics | map(attribute='metric_type'), names=true) }} as metricType,
    {{ 'any(event.3)' if once else 'event.3' }} as metricValue,
    {%- set created_at = "ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC'))" %}
    {{ 'min(' ~ created_at ~ ')' if once else created_at }} as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt{{ ', source row (0 where a user counts once)' if once }}
        (
            {{ _by_number(metrics | map(attribute='entity_id')) }},
            {{ _by_number(metrics | map(attribute='user_id')) }},
            {{ _by_number(metrics | map(attribute='value')) }},
            {{ _by_number(metrics | map(attribute='created_at')) }}
            {%- if once %},
            {{ _by_number(source_rows) }}
            {%- endif %}
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                {%- for metric in metrics %}
                if({{ _is_event(metric) }}, {{ loop.index }}, 0){{ ',' if not loop.last }} -- {{ metric.entity_type }} {{ metric.metric_type }}
                {%- endfor %}
            ])) as metricNumber
        from {{ rows }}
    )
)
    {%- if once %}
-- of the events with the same source row, entity and user the earliest stays
group by metricNumber, entityId, userId, event.5
    {%- endif %}
{% endmacro %}


{#
    What metrics have in one respect, for the metric of a number: one expression where all have the same. Names come out
    as LowCardinality, looked up once for each number and not for each row; expressions are computed for each row, so
    none of them twice.
#}
{% macro _by_number(expressions, names=false) -%}
    {%- set expressions = expressions | list -%}
    {%- set different = expressions | unique(case_sensitive=true) | list -%}
    {%- if different | length == 1 -%}
        {{ "'" ~ different[0] ~ "'" if names else different[0] }}
    {%- elif names -%}
        ['{{ expressions | join("', '") }}'][toLowCardinality(metricNumber)]
    {%- elif different | length == expressions | length -%}
        [{{ different | join(', ') }}][metricNumber]
    {%- else -%}
        {%- set places = [] -%}
        {%- for expression in expressions -%}
            {%- do places.append(different.index(expression) + 1) -%}
        {%- endfor -%}
        [{{ different | join(', ') }}][[{{ places | join(', ') }}][metricNumber]]
    {%- endif -%}
{%- endmacro %}


{# The condition under which a row is an event of the metric: the rule holds, the entity exists, the value is not 0. #}
{% macro _is_event(metric) -%}
    {%- set conditions = [] -%}
    {%- if metric.when is not none -%}{%- do conditions.append('(' ~ metric.when ~ ')' if ' or ' in metric.when else metric.when) -%}{%- endif -%}
    {%- if not metric.entity_joined -%}
        {%- do conditions.append(
            metric.entity_id ~ ' in (select id from ' ~ ref('stg_' ~ snake_case(metric.entity_type)) ~ ')'
        ) -%}
    {%- endif -%}
    {%- if metric.value != '1' -%}{%- do conditions.append(metric.value ~ ' != 0') -%}{%- endif -%}
    {{- conditions | join(' and ') if conditions else 'true' -}}
{%- endmacro %}


{# 'ModelVersion' → 'model_version': the name of an entity type in tags and in names of models. #}
{% macro snake_case(name) -%}
    {{- return(modules.re.sub('(?<!^)(?=[A-Z])', '_', name) | lower) -}}
{%- endmacro %}
