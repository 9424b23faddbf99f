{#
    Creates a table of ClickHouse's PostgreSQL engine for every table that the source `postgres` declares, with
    the declared columns and types. The connection stays in the named collection: no address, user or password
    stands in a table definition.

    A column that is declared optional and does not exist is null in every row.

    As a run-operation: dbt run-operation create_postgres_tables. It also runs at the start of every run that
    stages something.
    Raises: whatever check_postgres_sources() raises; nothing is created then.
#}
{% macro create_postgres_tables() %}
    {% set absent = check_postgres_sources() %}
    {% for table in postgres_source_tables() %}
        {% if loop.first %}
            {% do run_query('create database if not exists ' ~ table.schema) %}
        {% endif %}
        {% do run_query(_postgres_table_ddl(table, absent)) %}
    {% endfor %}
{% endmacro %}


{# The declarations of the source `postgres`, in the order of their names. #}
{% macro postgres_source_tables() %}
    {% do return(
        graph.sources.values() | selectattr('source_name', 'equalto', 'postgres') | sort(attribute='name') | list
    ) %}
{% endmacro %}


{% macro _postgres_table_ddl(table, absent) %}
    create or replace table {{ table.schema }}.`{{ table.name }}`
    (
        {%- for column in table.columns.values() %}
        `{{ column.name }}` {{ column.data_type }}
        {%- if table.name ~ '.' ~ column.name in absent %} alias null{% endif %}
        {{- ',' if not loop.last }}
        {%- endfor %}
    )
    engine = PostgreSQL({{ var('postgres_collection') }}, table = '{{ table.name }}', schema = '{{ var("postgres_schema") }}')
    {#- A table would keep its connections to PostgreSQL for as long as it exists, and two dozen tables use up what PostgreSQL allows. #}
    settings postgresql_connection_pool_auto_close_connection = 1
{% endmacro %}
