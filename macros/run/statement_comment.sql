{#
    The comment at the head of every statement: its run and its node, as JSON. Waiting runs see by it that the run is alive (see
    is_statement_of()), and people see in system.query_log whose a statement is.
    Arguments: node, that dbt is running, or none.
#}
{% macro statement_comment(node) -%}
    {{- return('{"run": "' ~ invocation_id ~ '", "node": "' ~ (node.unique_id if node else 'none') ~ '"}') -}}
{%- endmacro %}
