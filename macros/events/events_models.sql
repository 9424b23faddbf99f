{# The events models, by name. Empty while dbt parses. #}
{% macro events_models() %}
    {% set found = [] %}
    {% for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.config.meta.get('metrics') %}
        {% do found.append(node) %}
    {% endfor %}
    {% do return(found | sort(attribute='name')) %}
{% endmacro %}


{# The metrics of all events models, as they gave them to metric_events(). #}
{% macro _all_metrics() %}
    {% do return(events_models() | map(attribute='config.meta.metrics') | sum(start=[])) %}
{% endmacro %}


{# The metric types of an entity type (entity_type), sorted. #}
{% macro metric_types_of(entity_type) %}
    {% do return(_all_metrics() | selectattr('entity_type', 'equalto', entity_type) | map(attribute='metric_type') | sort) %}
{% endmacro %}


{# The entity types that have metrics, sorted. #}
{% macro entity_types() %}
    {% do return(_all_metrics() | map(attribute='entity_type') | unique | sort) %}
{% endmacro %}


{# 'Model ThumbsUp'. Arguments: metric, of metric(), or anything else with an entity_type and a metric_type. #}
{% macro name_of(metric) -%}
    {{- return(metric['entity_type'] ~ ' ' ~ metric['metric_type']) -}}
{%- endmacro %}


{# 'ModelVersion' → 'model_version': the name of an entity type in tags and in names of models. #}
{% macro snake_case(name) -%}
    {{- return(modules.re.sub('(?<!^)(?=[A-Z])', '_', name) | lower) -}}
{%- endmacro %}
