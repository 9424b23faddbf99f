{# The moment at which a query runs, as SQL; unit tests put another in its place. #}
{% macro current_moment() -%}
    now64(3, 'UTC')
{%- endmacro %}
