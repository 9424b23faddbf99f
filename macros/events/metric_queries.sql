{#
    Each metric of an entity type as a query on its own: the form in which a reviewer thinks of it. Nothing is written down
    twice: the query is made of what the events model gives to metric_events().

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
    {%- for node in events_models() -%}
        {%- for metric in node.config.meta.metrics if metric.entity_type == entity_type -%}
            {%- do queries.append('-- ' ~ entity_type ~ ' ' ~ metric.metric_type ~ ', from ' ~ node.name ~ '\n' ~ _query_of(node, metric) ~ ';') -%}
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
    {%- for node, metric in _metric_named(entity_type, metric_type) -%}
    {{- _query_of(node, metric) -}}
    {%- endfor -%}
{% endmacro %}


{#
    The query of the source rows of one metric and entity, whether or not they are events.
    Arguments: entity_type, metric_type. The query's own parameter `entity_id` is the entity.
    Returns: a select of `counts` ('yes', or 'no: ' and why not) and the rows' own columns, the earliest first.
    Raises: a compiler error where no events model has the metric.
#}
{% macro metric_rows_query(entity_type, metric_type) %}
    {%- for node, metric in _metric_named(entity_type, metric_type) -%}
    {%- set exists = metric.entity_id ~ ' in (select id from ' ~ ref('stg_' ~ snake_case(entity_type)) ~ ')' -%}
{{ _source_rows(node) }}

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
            {{ _time(metric.created_at) }}
        ) as _row,
        *
    from {{ node.config.meta.rows }}
    where {{ metric.entity_id }} = {entity_id:Int64}
)
order by _row.5
    {%- endfor -%}
{%- endmacro %}


{#
    The hash of each metric's rule: of the source rows and of what is said of the metric, as they stand in the events model,
    and of the var that some of them read. Not of the rules that hold for every event.
    Arguments: node, an events model.
    Returns: a dict, by metric ('Model ThumbsUp'), of texts.
#}
{% macro rules_of(node) %}
    {% set source = node.raw_code.split('{{ metric_events(')[0].split() | join(' ') %}
    {% set setting = var('excluded_generation_versions') | join(',') if 'excluded_generation_versions' in source else '' %}
    {% set rules = {} %}
    {% for metric in node.config.meta.metrics %}
        {% do rules.update({metric.entity_type ~ ' ' ~ metric.metric_type: local_md5([source, setting, tojson(metric, sort_keys=true)] | join('|'))}) %}
    {% endfor %}
    {% do return(rules) %}
{% endmacro %}


{% macro _query_of(node, metric) -%}
    {{- return(_source_rows(node) ~ '\n\n' ~ metric_select(node.config.meta.rows, metric)) -}}
{%- endmacro %}


{# What stands in an events model before its metrics: the source rows, as common table expressions. #}
{% macro _source_rows(node) -%}
    {%- set parts = node.raw_code.split('{{ metric_events(') -%}
    {%- if parts | length != 2 -%}
        {%- do exceptions.raise_compiler_error(node.name ~ ' must end with one {{ metric_events(…) }}, so that its metrics can be shown one by one.') -%}
    {%- endif -%}
    {{- return(modules.re.sub('\\n\\s*\\n', '\n\n', render(parts[0])).strip()) -}}
{%- endmacro %}


{# The events model of a metric and what it says of it, in a list of one pair. An empty list while dbt parses. #}
{% macro _metric_named(entity_type, metric_type) %}
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


{# The events models, by name. Empty while dbt parses. #}
{% macro events_models() %}
    {% set found = [] %}
    {% for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.config.meta.get('metrics') %}
        {% do found.append(node) %}
    {% endfor %}
    {% do return(found | sort(attribute='name')) %}
{% endmacro %}


{# A model's relation, by its node: for macros that dbt need not learn a dependency from. #}
{% macro relation_of(node) %}
    {% do return(api.Relation.create(schema=node.schema, identifier=node.alias)) %}
{% endmacro %}


{# The metric types that events models have for an entity type (entity_type), sorted. #}
{% macro metric_types_of(entity_type) %}
    {% set metrics = events_models() | map(attribute='config.meta.metrics') | sum(start=[]) %}
    {% do return(metrics | selectattr('entity_type', 'equalto', entity_type) | map(attribute='metric_type') | sort) %}
{% endmacro %}


{# The entity types that events models have metrics of, sorted. #}
{% macro entity_types() %}
    {% do return(events_models() | map(attribute='config.meta.metrics') | sum(start=[]) | map(attribute='entity_type') | unique | sort) %}
{% endmacro %}
