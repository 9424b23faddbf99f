{#
    The comment at the head of every statement: the run and the node that it belongs to. In system.processes and
    system.query_log it tells whose a statement is; waiting runs see by it that the run is alive, see is_statement_of().

    Arguments: node, the dbt node that is being run, or none.
    Returns: JSON text.
#}
{% macro statement_comment(node) -%}
    {{- return('{"run": "' ~ invocation_id ~ '", "node": "' ~ (node.unique_id if node else 'none') ~ '"}') -}}
{%- endmacro %}
