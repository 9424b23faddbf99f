{#
    The query of an events model: every row of `rows` is read once and fanned out into the events of all
    `metrics`. The rules that hold for every event stand here and nowhere else: no user is user 0, an
    unknown time is 2022-11-01, a value of 0 is no event, and the entity must still exist.

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

    {%- if once -%}
select
    entityType,
    entityId,
    userId,
    metricType,
    any(metricValue) as metricValue,
    min(createdAt) as createdAt
from (
    {{ _fanned_out(rows, metrics, row_id, once) | indent(4) }}
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow
    {%- else -%}
{{ _fanned_out(rows, metrics, row_id, once) }}
    {%- endif -%}
{% endmacro %}


{# The fan-out itself: one tuple for each metric, of which those stay that are events. #}
{% macro _fanned_out(rows, metrics, row_id, once) -%}
select
    event.1 as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    event.4 as metricType,
    event.5 as metricValue,
    ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
    {%- if once %},
    event.8 as sourceRow
    {%- endif %}
from (
    select
        arrayJoin([
            -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event?
            {%- if once %} which source row?{% endif %}
            {%- for metric in metrics %}
            (
                '{{ metric.entity_type }}', {{ metric.entity_id }}, {{ metric.user_id }}, '{{ metric.metric_type }}', {{ metric.value }}, {{ metric.created_at }},
                {{ _is_event(metric) }}
                {%- if once %},
                {{ 0 if metric.once_per_user else row_id }}
                {%- endif %}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ]) as event
    from {{ rows }}
)
where event.7 and event.5 != 0
{%- endmacro %}


{# The condition under which a row is an event of the metric. #}
{% macro _is_event(metric) -%}
    {%- set conditions = [] -%}
    {%- if metric.when is not none -%}{%- do conditions.append('(' ~ metric.when ~ ')' if ' or ' in metric.when else metric.when) -%}{%- endif -%}
    {%- if not metric.entity_joined -%}
        {%- do conditions.append(
            metric.entity_id ~ ' in (select id from ' ~ ref('stg_' ~ snake_case(metric.entity_type)) ~ ')'
        ) -%}
    {%- endif -%}
    {{- conditions | join(' and ') if conditions else 'true' -}}
{%- endmacro %}


{# 'ModelVersion' → 'model_version': the name of an entity type in tags and in names of models. #}
{% macro snake_case(name) -%}
    {{- return(modules.re.sub('(?<!^)(?=[A-Z])', '_', name) | lower) -}}
{%- endmacro %}
