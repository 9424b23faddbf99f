{# The moment at which a query runs, as SQL. Unit tests override it with a moment of their own. #}
{% macro current_moment() -%}
    now64(3, 'UTC')
{%- endmacro %}
