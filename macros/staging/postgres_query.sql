{#
    A query that PostgreSQL itself runs, as a table expression (ClickHouse passes it on as it is).
    Arguments: sql, in PostgreSQL's dialect; with Jinja's indentation kept.
    Returns: text for a from clause.
#}
{% macro postgres_query(sql) -%}
    postgresql({{ var('postgres_collection') }}, query = $postgres${{ sql }}$postgres$)
{%- endmacro %}


{# A source table's name in PostgreSQL's own dialect. #}
{% macro postgres_table(name) -%}
    "{{ var('postgres_schema') }}"."{{ name }}"
{%- endmacro %}
