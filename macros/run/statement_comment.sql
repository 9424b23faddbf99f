{#
    The comment at the head of every statement: the run and the node that it belongs to. In system.processes and
    system.query_log it tells whose a statement is; waiting runs see by it that the run is alive.

    Arguments: node, the dbt node that is being run, or none.
    Returns: JSON text.
#}
{% macro statement_comment(node) -%}
    {{- return('{' ~ _statement_of(invocation_id) ~ ', "node": "' ~ (node.unique_id if node else 'none') ~ '"}') -}}
{%- endmacro %}


{# The part of a statement's comment that names its run. #}
{% macro _statement_of(run) -%}
    {{- return('"run": "' ~ run ~ '"') -}}
{%- endmacro %}
