{#
    Creates a table of ClickHouse's PostgreSQL engine for every table that the source `postgres` declares, with
    the declared columns and types. The connection stays in the named collection: no address, user or password
    stands in a table definition.

    A column that is declared optional and does not exist is null in every row.

    As a run-operation: dbt run-operation create_postgres_tables. It also runs at the start of every run that
    stages something; tables that are as declared are left alone.
    Arguments: absent, what check_postgres_sources() returned; none: it is asked.
    Raises: whatever check_postgres_sources() raises; nothing is created then.
#}
{% macro create_postgres_tables(absent=none) %}
    {% set absent = check_postgres_sources() if absent is none else absent %}
    {% set tables = postgres_source_tables() %}
    {% set made = query_column("select comment from system.tables where database = '" ~ tables[0].schema ~ "'") %}
    {% if not made %}
        {% do run_query('create database if not exists ' ~ tables[0].schema) %}
    {% endif %}
    {% for table in tables %}
        {% set ddl = _postgres_table_ddl(table, absent) %}
        {# Its comment tells what a table was made from. #}
        {% set declared = table.name ~ ' ' ~ local_md5(ddl) %}
        {% if declared not in made %}
            {% do run_query(ddl ~ " comment '" ~ declared ~ "'") %}
        {% endif %}
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
