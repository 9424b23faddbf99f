{#
    The comment at the head of every statement: the run and the node that it belongs to. In system.processes
    and system.query_log it tells whose a statement is; a later run finds the statements of a dead one by it.

    Arguments: node, the dbt node that is being run, or none.
    Returns: JSON text; see also _statement_of(), which must match it.
#}
{% macro statement_comment(node) -%}
    {{- return('{' ~ _statement_of(invocation_id, node.unique_id if node else 'none') ~ '}') -}}
{%- endmacro %}


{# The part of a statement's comment that names its run and node. #}
{% macro _statement_of(run, node_id) -%}
    {{- return('"run": "' ~ run ~ '", "node": "' ~ node_id ~ '"') -}}
{%- endmacro %}
