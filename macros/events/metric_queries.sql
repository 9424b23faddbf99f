{#
    Each metric of an entity type as a query on its own: the form in which a reviewer thinks of it. Nothing is
    written down twice: every query is the events model's own code, rendered with that one metric.

    Arguments:
        entity_type     such as 'Model'
        reads           the relations that the queries read, as ref() and source(): dbt learns of an analysis'
                        dependencies before it knows of any model, so they have to stand in the analysis
    Returns: the queries of all events models that have metrics of the entity type, in the order of the models'
    names; each with a comment that names metric and model, and a semicolon.
    Raises: dbt's compiler error that names the missing ref() where `reads` lacks a staging model; an own one
    where no model has metrics of the entity type.
#}
{% macro metric_queries(entity_type, reads) %}
    {%- set queries = [] -%}
    {%- for node in _events_models() -%}
        {%- for metric in node.config.meta.metrics if metric.split(' ')[0] == entity_type -%}
            {%- do queries.append(
                '-- ' ~ metric ~ ', from ' ~ node.name ~ '\n'
                ~ _rendered_with(node, 'metric_events_of', entity_type, metric.split(' ')[1]) ~ ';'
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if execute and not queries -%}
        {%- do exceptions.raise_compiler_error("No events model has metrics of the entity type '" ~ entity_type ~ "'.") -%}
    {%- endif -%}
    {{- queries | join('\n\n') -}}
{% endmacro %}


{#
    The query of the events of one metric.
    Arguments: entity_type, metric_type.
    Returns: what metric_queries() has of the metric, without comment and semicolon.
    Raises: a compiler error where no events model has the metric.
#}
{% macro metric_query(entity_type, metric_type) %}
    {{- _rendered_with(_events_model_of(entity_type, metric_type), 'metric_events_of', entity_type, metric_type) -}}
{% endmacro %}


{#
    The query of the source rows of one metric and entity, whether or not they are events.
    Arguments: entity_type, metric_type. The query's own parameter `entity_id` is the entity.
    Returns: a select of `counts` ('yes', or 'no: ' and why not) and the rows' own columns, the earliest first.
    Raises: a compiler error where no events model has the metric.
#}
{% macro metric_rows_query(entity_type, metric_type) %}
    {{- _rendered_with(_events_model_of(entity_type, metric_type), 'metric_rows_of', entity_type, metric_type) -}}
{% endmacro %}


{#
    metric_events() with one of its metrics. Stands in for it when an events model is rendered for that metric.
    Arguments: entity_type, metric_type, and those of metric_events().
    Returns: the select of metric_events().
#}
{% macro metric_events_of(entity_type, metric_type, rows, metrics, row_id=none) -%}
    {{- metric_events(rows, [_metric_of(metrics, entity_type, metric_type)], row_id) -}}
{%- endmacro %}


{#
    Stands in for metric_events() where the source rows are asked for instead of the events.
    Arguments: entity_type, metric_type, and those of metric_events().
    Returns: the select of metric_rows_query().
#}
{% macro metric_rows_of(entity_type, metric_type, rows, metrics, row_id=none) -%}
    {%- set metric = _metric_of(metrics, entity_type, metric_type) -%}
    {%- set exists = metric.entity_id ~ ' in (select id from ' ~ ref('stg_' ~ snake_case(entity_type)) ~ ')' -%}
select
    multiIf(
        not ifNull(_row.1, false), 'no: the rule leaves it out',
        not ifNull(_row.2, false), 'no: {{ entity_type }} does not exist',
        _row.3 = 0, 'no: its value is 0',
        {%- if metric.once_per_user %}
        row_number() over (partition by _row.1, _row.2, _row.4 order by _row.5) > 1, 'no: the user counts already',
        {%- endif %}
        _row.5 >= {{ utc_literal(cutoff_of(entity_type)) }}, 'no: live from the cutoff on',
        'yes'
    ) as counts,
    * except (_row)
from (
    select
        -- does the rule hold? does the entity exist? metricValue, userId, createdAt
        (
            {{ metric.when or 'true' }},
            {{ 'true' if metric.entity_joined else exists }},
            {{ metric.value }},
            ifNull({{ metric.user_id }}, 0),
            ifNull({{ metric.created_at }}, toDateTime64('2022-11-01 00:00:00', 3, 'UTC'))
        ) as _row,
        *
    from {{ rows }}
    where {{ metric.entity_id }} = {entity_id:Int64}
)
order by _row.5
{%- endmacro %}


{# The one of the metrics given to metric_events() that is asked for. #}
{% macro _metric_of(metrics, entity_type, metric_type) %}
    {% do return(metrics | selectattr('entity_type', 'eq', entity_type) | selectattr('metric_type', 'eq', metric_type) | first) %}
{% endmacro %}


{# The code of an events model, rendered with another macro in the place of metric_events(). #}
{% macro _rendered_with(node, stand_in, entity_type, metric_type) -%}
    {%- if execute -%}
        {%- set call = modules.re.compile('\\bmetric_events\\(') -%}
        {%- if call.findall(node.raw_code) | length != 1 -%}
            {%- do exceptions.raise_compiler_error(node.name ~ ' must call metric_events( once, so that its metrics can be shown one by one.') -%}
        {%- endif -%}
        {%- set code = call.sub(stand_in ~ "('" ~ entity_type ~ "', '" ~ metric_type ~ "', ", node.raw_code) -%}
        {{- return(modules.re.sub('\\n\\s*\\n', '\n\n', render(code)).strip()) -}}
    {%- endif -%}
{%- endmacro %}


{# The events models, by name. Empty while dbt parses. #}
{% macro _events_models() %}
    {% do return(
        graph.nodes.values() | selectattr('config.materialized', 'eq', 'metric_events') | sort(attribute='name') if execute else []
    ) %}
{% endmacro %}


{# The events model of a metric. None while dbt parses. #}
{% macro _events_model_of(entity_type, metric_type) %}
    {% set metric = entity_type ~ ' ' ~ metric_type %}
    {% for node in _events_models() if metric in node.config.meta.metrics %}
        {% do return(node) %}
    {% endfor %}
    {% if execute %}
        {% do exceptions.raise_compiler_error('No events model has the metric ' ~ metric ~ '.') %}
    {% endif %}
{% endmacro %}


{# The metric types that events models have for an entity type, sorted. #}
{% macro metric_types_of(entity_type) %}
    {% set found = [] %}
    {% for node in _events_models() %}
        {% for metric in node.config.meta.metrics if metric.split(' ')[0] == entity_type %}
            {% do found.append(metric.split(' ')[1]) %}
        {% endfor %}
    {% endfor %}
    {% do return(found | sort) %}
{% endmacro %}


{# The entity types that events models have metrics of, sorted. #}
{% macro entity_types() %}
    {% set found = [] %}
    {% for node in _events_models() %}
        {% for metric in node.config.meta.metrics %}
            {% do found.append(metric.split(' ')[0]) %}
        {% endfor %}
    {% endfor %}
    {% do return(found | unique | sort) %}
{% endmacro %}
