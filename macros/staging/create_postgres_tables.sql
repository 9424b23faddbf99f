{#
    Creates a table of ClickHouse's PostgreSQL engine for every table of the source `postgres`, with the declared columns and
    types. An optional column that PostgreSQL lacks is null in every row. The connection stays in the named collection: no table
    definition has an address, a user or a password. Tables that are as declared are left alone.

    As a run-operation: dbt run-operation create_postgres_tables. Every run that stages something begins with it, too.
    Arguments: absent, of check_postgres_sources(); none: it is called.
    Raises: whatever check_postgres_sources() raises, before anything is created.
#}
{% macro create_postgres_tables(absent=none) %}
    {% set absent = check_postgres_sources() if absent is none else absent %}
    {% set tables = postgres_source_tables() %}
    {% set made = query_column("select comment from system.tables where database = '" ~ tables[0].schema ~ "'") %}
    {% if not made %}
        {% do run_query('create database if not exists ' ~ tables[0].schema) %}
    {% endif %}
    {% for name in legacy_tables() if is_retired(name) %}
        {% do run_query('drop table if exists ' ~ tables[0].schema ~ '.`' ~ name ~ '`') %}
    {% endfor %}
    {% for table in tables %}
        {% set ddl = _postgres_table_ddl(table, absent) %}
        {# A table's comment says what it was made from. #}
        {% set declared = table.name ~ ' ' ~ local_md5(ddl) %}
        {% if declared not in made %}
            {% do run_query(ddl ~ " comment '" ~ declared ~ "'") %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{# The declarations of the source `postgres` without retired tables, by name. #}
{% macro postgres_source_tables() %}
    {% set tables = [] %}
    {% for source in graph.sources.values() | sort(attribute='name') if source.source_name == 'postgres' and not is_retired(source.name) %}
        {% do tables.append(source) %}
    {% endfor %}
    {% do return(tables) %}
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
    {#- Otherwise each table keeps its connections as long as it exists, and two dozen tables use up what PostgreSQL allows. #}
    settings postgresql_connection_pool_auto_close_connection = 1
{% endmacro %}
