{#
    Compares the declarations of the source `postgres` with PostgreSQL before anything is copied. It finds tables and columns
    that are missing or that the role may not read, tables that lack all optional columns of which they need some, types that
    cannot be read as declared, undeclared nulls (which would be read as 0), and what makes the role read other values or
    fewer rows.

    As a run-operation: dbt run-operation check_postgres_sources.
    Returns: the optional columns that do not exist, as 'Table.column'; each is printed.
    Raises: a compiler error that lists all findings, or says that the named collection is missing.
#}
{% macro check_postgres_sources() %}
    {% do check_command() %}
    {% do require_postgres_collection() %}
    {% set faults = [] %}
    {% set absent = [] %}
    {% for fault in query_column('select fault from ' ~ postgres_query(_faults_of_the_role())) %}
        {% do faults.append('  - ' ~ fault) %}
    {% endfor %}
    {% for row in run_query(_source_findings()) %}
        {% if row['kind'] == 'absent' %}
            {% do absent.append(row['what']) %}
            {% do log(row['what'] ~ ' does not exist in PostgreSQL: it is null in every row, and metrics made from it alone get no events.', info=true) %}
        {% else %}
            {% do faults.append('  - ' ~ row['what']) %}
        {% endif %}
    {% endfor %}
    {% for table in postgres_source_tables() if _has_none_of_what_it_needs(table, absent) %}
        {% do faults.append(
            '  - ' ~ table.name ~ ': it has neither ' ~ table.config.meta.needs_one_of | map('join', ' and ') | join(' nor ')
            ~ ', or the role may not read them'
        ) %}
    {% endfor %}
    {% if faults %}
        {% do exceptions.raise_compiler_error(
            'The PostgreSQL source cannot be read as models/sources/postgres.yml declares it. Nothing was copied.\n'
            ~ faults | join('\n')
            ~ '\nGrant select on what is missing, or correct the declaration; every staging model reads through it.'
        ) %}
    {% endif %}
    {% do return(absent) %}
{% endmacro %}


{# Whether a table declares needs_one_of, a list of lists of columns, and PostgreSQL has none of these lists complete. #}
{% macro _has_none_of_what_it_needs(table, absent) %}
    {% for columns in table.config.meta.get('needs_one_of', [[]]) %}
        {% set missing = [] %}
        {% for column in columns if table.name ~ '.' ~ column in absent %}
            {% do missing.append(column) %}
        {% endfor %}
        {% if not missing %}
            {% do return(false) %}
        {% endif %}
    {% endfor %}
    {% do return(true) %}
{% endmacro %}


{# Stops if the named collection with the PostgreSQL connection is missing. Raises: a compiler error that says how to make it. #}
{% macro require_postgres_collection() %}
    {% set name = var('postgres_collection') %}
    {% if query_value("select count() from system.named_collections where name = '" ~ name ~ "'") == 0 %}
        {% do exceptions.raise_compiler_error(
            "ClickHouse has no named collection '" ~ name ~ "' that user " ~ target.user ~ ' may see. Make it with '
            ~ 'scripts/connect_postgres.py --target ' ~ target.name ~ ', grant show named collections on it, or name another one '
            ~ 'in the var postgres_collection.'
        ) %}
    {% endif %}
{% endmacro %}


{#
    PostgreSQL: what makes the role that ClickHouse logs in as read other values than are stored, or fewer rows, without an error;
    one row (fault) each. A named collection cannot change settings of its connections, so PostgreSQL has to.

    Settings without effect here are not checked: TimeZone, IntervalStyle, extra_float_digits and bytea_output touch no type that
    is read, tables are named with their schema (search_path), and row_security = off turns hidden rows into an error.
#}
{% macro _faults_of_the_role() -%}
    select
        format('%s is ''%s'' for the role %s; it must be ''%s'': ', name, setting, session_user, needed)
        || case source
            when 'client' then 'ClickHouse itself asks for it, by an environment variable such as PGOPTIONS'
            else format(
                'alter role %I%s set %s = ''%s''',
                session_user, case source when 'database user' then format(' in database %I', current_database()) end, lower(name), needed
            )
        end as fault
    from pg_settings
    {#- Times in another style are read as 1900 or 1970, text in another encoding as other characters. #}
    inner join (values ('DateStyle', 'ISO'), ('client_encoding', 'UTF8')) as required (name, needed) using (name)
    where setting not like needed || '%'
    union all
    select format(
        'Row-level security may hide rows from the role %s, in %s: alter role %I bypassrls, or alter table … disable row level security',
        current_user, string_agg(relname, ', ' order by relname), current_user
    )
    from pg_class
    where
        relnamespace = to_regnamespace('"{{ var("postgres_schema") }}"')
        and relname in ('{{ postgres_source_tables() | map(attribute="name") | join("', '") }}')
        and row_security_active(oid)
    having count(*) > 0
{%- endmacro %}


{# One row a finding: kind ('absent' for an optional column, else 'fault') and what. #}
{% macro _source_findings() %}
    with declared as (
        select *
        from values(
            'tableName String, columnName String, declaredType String, isOptional UInt8',
            {%- for table in postgres_source_tables() %}
            {%- set last_table = loop.last %}
            {%- for column in table.columns.values() %}
            ('{{ table.name }}', '{{ column.name }}', '{{ column.data_type | replace("'", "\\'") }}', {{ 1 if column.config.meta.get('optional') else 0 }})
            {{- ',' if not (last_table and loop.last) }}
            {%- endfor %}
            {%- endfor %}
        )
    ),

    actual as (
        select
            table_name as tableName,
            column_name as columnName,
            is_nullable as nullable,
            if(data_type in ('USER-DEFINED', 'ARRAY'), data_type, udt_name) as type,
            1 as found
        from {{ postgres_query(_information_schema_columns()) }}
    ),

    {#- The types that each declared type can be read from; not timestamptz, which arrives as text with an offset. #}
    compared as (
        select
            declared.tableName as tableName,
            declared.columnName as columnName,
            declaredType,
            isOptional,
            found,
            type,
            nullable,
            tableName in (select tableName from actual) as tableFound,
            multiIf(
                match(declaredType, '^(Nullable\\()?Int32'), ['int2', 'int4'],
                match(declaredType, '^(Nullable\\()?Int64'), ['int2', 'int4', 'int8'],
                match(declaredType, '^(Nullable\\()?Bool'), ['bool'],
                match(declaredType, '^(Nullable\\()?String'),
                    ['text', 'varchar', 'bpchar', 'citext', 'name', 'uuid', 'USER-DEFINED'],
                match(declaredType, '^(Nullable\\()?DateTime64'), ['timestamp'],
                match(declaredType, '^Array'), ['ARRAY'],
                []
            ) as readable
        from declared
        left join actual on declared.tableName = actual.tableName and declared.columnName = actual.columnName
    )

    select distinct
        if(isOptional and tableFound and not found, 'absent', 'fault') as kind,
        multiIf(
            not tableFound,
                tableName || ': the table is missing, or the role may not read it'
                || if(tableName in ('{{ legacy_tables() | join("', '") }}'), '; if it was removed for good, add it to the var retired_sources', ''),
            not found and isOptional,
                tableName || '.' || columnName,
            not found,
                tableName || '.' || columnName || ': the column is missing, or the role may not read it',
            not has(readable, type),
                tableName || '.' || columnName || ': PostgreSQL has ' || type || ', which cannot be read as ' || declaredType,
                tableName || '.' || columnName || ': PostgreSQL allows nulls, which would be read as 0: declare it as Nullable(' || declaredType || ')'
        ) as what
    from compared
    where
        not found
        or not has(readable, type)
        or (nullable = 'YES' and not match(declaredType, '^(Nullable|Array)'))
    order by what
{% endmacro %}


{% macro _information_schema_columns() -%}
    select table_name::text, column_name::text, data_type::text, udt_name::text, is_nullable::text
    from information_schema.columns
    where table_schema = '{{ var("postgres_schema") }}'
{%- endmacro %}
