{# The numbers that user_metrics has of a user: its columns, as described there, but the user's id. #}
{% macro user_metric_names() %}
    {% set columns = graph.nodes['model.' ~ project_name ~ '.user_metrics'].columns if execute else {} %}
    {% do return(columns | reject('equalto', 'userId') | list) %}
{% endmacro %}
