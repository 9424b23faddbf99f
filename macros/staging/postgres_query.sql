{#
    A query that PostgreSQL itself runs, as a table expression. ClickHouse passes the text on as it is.
    Arguments: sql, in PostgreSQL's dialect.
    Returns: text for a from clause.
#}
{% macro postgres_query(sql) -%}
    postgresql({{ var('postgres_collection') }}, query = $postgres${{ sql }}$postgres$)
{%- endmacro %}


{# A source table's name in PostgreSQL's dialect. Arguments: name. #}
{% macro postgres_table(name) -%}
    "{{ var('postgres_schema') }}"."{{ name }}"
{%- endmacro %}
