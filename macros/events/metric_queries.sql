{#
    Each metric of an entity type as a query of its own, which is how a reviewer thinks of it. The queries are made of what the
    events models give to metric_events(); nothing is written twice.

    Arguments:
        entity_type     such as 'Model'
        reads           the relations that the queries read, as ref() and source(): dbt looks for an analysis' dependencies
                        before it knows any model, so the analysis has to name them
    Returns: the queries, ordered by model; each with a comment that names metric and model, and a semicolon.
    Raises: dbt's own error if `reads` lacks a staging model; a compiler error if no model has metrics of the entity type.
#}
{% macro metric_queries(entity_type, reads) %}
    {%- set queries = [] -%}
    {%- for node in events_models() -%}
        {%- for metric in node.config.meta.metrics if metric.entity_type == entity_type -%}
            {%- do queries.append('-- ' ~ name_of(metric) ~ ', from ' ~ node.name ~ '\n' ~ _query_of(node, metric) ~ ';') -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if execute and not queries -%}
        {%- do exceptions.raise_compiler_error("No events model has metrics of the entity type '" ~ entity_type ~ "'.") -%}
    {%- endif -%}
    {{- queries | join('\n\n') -}}
{% endmacro %}


{#
    The query of one metric's events, as metric_queries() has it, without comment and semicolon.
    Arguments: entity_type, metric_type.
    Raises: a compiler error if no events model has the metric.
#}
{% macro metric_query(entity_type, metric_type) %}
    {%- for node, metric in metric_named(entity_type, metric_type) -%}
    {{- _query_of(node, metric) -}}
    {%- endfor -%}
{% endmacro %}


{#
    The query of one metric's source rows for one entity, whether or not they are events. Its parameter `entity_id` is the entity.
    Arguments: entity_type, metric_type.
    Returns: a select of `counts` ('yes', or 'no: ' and why not) and the rows' own columns, the earliest first.
    Raises: a compiler error if no events model has the metric.
#}
{% macro metric_rows_query(entity_type, metric_type) %}
    {%- for node, metric in metric_named(entity_type, metric_type) -%}
    {%- set exists = metric.entity_id ~ ' in (select id from ' ~ ref('stg_' ~ snake_case(entity_type)) ~ ')' -%}
{{ source_rows(node) }}

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
            {{ event_time(metric.created_at) }}
        ) as _row,
        *
    from {{ node.config.meta.rows }}
    where {{ metric.entity_id }} = {entity_id:Int64}
)
order by _row.5
    {%- endfor -%}
{%- endmacro %}


{% macro _query_of(node, metric) -%}
    {{- return(source_rows(node) ~ '\n\n' ~ metric_select(node.config.meta.rows, metric)) -}}
{%- endmacro %}


{#
    The common table expressions of an events model: its text before the metrics.
    Arguments: node, the events model; from_anywhere, true: without ref(), which fails in a model that does not depend on what
    is named.
    Raises: a compiler error if the model does not end with one metric_events().
#}
{% macro source_rows(node, from_anywhere=false) -%}
    {%- set parts = node.raw_code.split('{{ metric_events(') -%}
    {%- if parts | length != 2 -%}
        {%- do exceptions.raise_compiler_error(node.name ~ ' must end with one {{ metric_events(…) }}, so that its metrics can be shown one by one.') -%}
    {%- endif -%}
    {{- return(modules.re.sub('\\n\\s*\\n', '\n\n', render(('{% set ref = relation_named %}' if from_anywhere else '') ~ parts[0])).strip()) -}}
{%- endmacro %}


{# A list of one pair: the events model of a metric (entity_type and metric_type), and the metric. Empty while dbt parses. #}
{% macro metric_named(entity_type, metric_type) %}
    {% for node in events_models() %}
        {% for metric in node.config.meta.metrics if metric.entity_type == entity_type and metric.metric_type == metric_type %}
            {% do return([(node, metric)]) %}
        {% endfor %}
    {% endfor %}
    {% if execute %}
        {% do exceptions.raise_compiler_error('No events model has the metric ' ~ entity_type ~ ' ' ~ metric_type ~ '.') %}
    {% endif %}
    {% do return([]) %}
{% endmacro %}
