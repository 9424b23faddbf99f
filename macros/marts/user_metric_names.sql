{# The columns of user_metrics but userId, as its YAML describes them: the fields of the hash. #}
{% macro user_metric_names() %}
    {% set columns = graph.nodes['model.' ~ project_name ~ '.user_metrics'].columns if execute else {} %}
    {% do return(columns | reject('equalto', 'userId') | list) %}
{% endmacro %}
