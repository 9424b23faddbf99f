{#
    As a run-operation: the removal of the legacy tables from PostgreSQL, in two steps.

    dbt run-operation remove_legacy_tables --vars '{parity: present}'

    says what there is to remove, what it costs and how to back it up. If parity of the present is green, and nothing refers
    to the tables or has used them for quiet_hours, it prints the command of the second step, with a verdict. That command
    runs in PostgreSQL, as an owner of the tables, and removes exactly the tables that it names, all or none of them.

    Arguments: remove, the names of the tables; verdict, as the first step has printed it; both for the second step alone.
    quiet_hours: for how long nothing may have used the tables.
    Raises: a compiler error that lists all that speaks against the removal; nothing is removed then.
#}
{% macro remove_legacy_tables(remove=none, verdict=none, quiet_hours=24) %}
    {% do check_command() %}
    {% if not (quiet_hours is number and quiet_hours >= 0) %}
        {% do exceptions.raise_compiler_error("quiet_hours is '" ~ quiet_hours ~ "'; it must be a number of hours, 0 or more.") %}
    {% endif %}
    {% if target.type == 'postgres' %}
        {% do _remove_as_judged(remove, verdict) %}
    {% elif remove is not none or verdict is not none %}
        {% do exceptions.raise_compiler_error(
            'Tables are removed in PostgreSQL itself: --target ' ~ postgres_target('postgres_owner') ~ '. The target ' ~ target.name ~ ' is ClickHouse; there, without'
            ~ ' remove and verdict, the removal is judged.'
        ) %}
    {% else %}
        {% do _judge_removal(quiet_hours) %}
    {% endif %}
{% endmacro %}


{# The first step: says what would be removed, judges, and prints the command of the second one. #}
{% macro _judge_removal(quiet_hours) %}
    {% do require_var('parity', var('parity') == 'present', "be present: the tables may go if nothing differs now; add --vars '{parity: present}'") %}
    {% do require_var('parity_sample', var('parity_sample') == 1, 'be 1: every entity counts') %}
    {% do require_var('expected_counts', var('expected_counts') == 'query', 'be query: the views may lack retired tables') %}
    {% do require_postgres_collection() %}
    {% do require_models_of_the_log() %}
    {% set server = ask_postgres(postgres_server())[0] %}
    {% set tables = ask_postgres(legacy_tables_in_postgres()) %}
    {% if not tables %}
        {% do _say_that_none_is_left(server) %}
        {% do return(none) %}
    {% endif %}
    {% set names = tables | map(attribute='name') | list %}
    {% do _say_what_there_is(server, tables) %}

    {% set faults = [] %}
    {% set read = names | reject('in', var('retired_sources')) | list %}
    {% if read %}
        {% do faults.append('This project itself reads ' ~ read | join(', ') ~ ': name them in the var retired_sources, in dbt_project.yml') %}
    {% endif %}
    {% if server['is_standby'] %}
        {% do faults.append('ClickHouse reads a standby, which does not know who uses the primary: name a collection of the primary in the var postgres_collection') %}
    {% endif %}
    {% do faults.extend(said_of_their_users()) %}
    {% do faults.extend(_said_of_their_use_since(server, tables, quiet_hours)) %}
    {% do faults.extend(_said_of_parity(names)) %}
    {# What parity has read is in the statistics once its connections are closed. #}
    {% do run_query('select sleep(1)') %}
    {% set tables = ask_postgres(legacy_tables_in_postgres()) %}
    {% do _enter_look(server, tables) %}
    {% if faults %}
        {% do exceptions.raise_compiler_error('The legacy tables cannot be removed yet. Nothing was changed in PostgreSQL.\n  - ' ~ faults | join('\n  - ')) %}
    {% endif %}
    {% set server = ask_postgres(postgres_server())[0] %}
    {% do log(
        'Parity of the present is green, and nothing has used these tables for ' ~ quiet_hours ~ ' h. To remove them, within '
        ~ _minutes_of_a_verdict() ~ ' minutes:\n'
        ~ "dbt run-operation remove_legacy_tables --target " ~ postgres_target('postgres_owner') ~ " --args '{remove: [" ~ names | join(', ') ~ '], verdict: '
        ~ _verdict(server, tables) ~ "}'" ~ (" --vars '{postgres_schema: " ~ var('postgres_schema') ~ "}'" if var('postgres_schema') != 'public')
        ~ '\nIt runs in one transaction:\n' ~ _drop(names),
        info=true
    ) %}
{% endmacro %}


{# The second step, in PostgreSQL. #}
{% macro _remove_as_judged(remove, verdict) %}
    {% set server = ask_postgres(postgres_server())[0] %}
    {% set tables = ask_postgres(legacy_tables_in_postgres()) %}
    {% if not tables %}
        {% do _say_that_none_is_left(server) %}
        {% do return(none) %}
    {% endif %}
    {% set names = tables | map(attribute='name') | list %}
    {% if remove is none and verdict is none %}
        {% do _say_what_there_is(server, tables) %}
        {% do log("Nothing was removed. ClickHouse judges first: dbt run-operation remove_legacy_tables --vars '{parity: present}'; it prints the command.", info=true) %}
        {% do return(none) %}
    {% endif %}
    {% set judged = _judged(verdict, server, names) %}
    {% if remove is string or remove is not sequence or remove | sort != names %}
        {% do exceptions.raise_compiler_error(
            "remove is '" ~ remove ~ "'; it must name the tables that the verdict is about: [" ~ names | join(', ') ~ ']. Nothing was removed.'
        ) %}
    {% endif %}
    {% set faults = [] %}
    {% for table in tables if not table['is_owner'] %}
        {% do faults.append(table['name'] ~ ' belongs to ' ~ table['owner'] ~ ', and ' ~ server['role'] ~ ' is not that role: use --target ' ~ postgres_target('postgres_owner')) %}
    {% endfor %}
    {% do faults.extend(said_of_their_users()) %}
    {% do faults.extend(said_of_their_use('The tables', judged, _summed(tables), 'the verdict')) %}
    {% if faults %}
        {% do exceptions.raise_compiler_error('The legacy tables cannot be removed. Nothing was changed.\n  - ' ~ faults | join('\n  - ')) %}
    {% endif %}
    {% do run_query(_removal(names)) %}
    {% do log(
        how_many(names | length, 'table') ~ ' removed from ' ~ var('postgres_schema') ~ ' in the database ' ~ server['database'] ~ ', '
        ~ _size(tables | map(attribute='bytes') | map('int') | sum) ~ ' freed: ' ~ names | join(', '),
        info=true
    ) %}
{% endmacro %}


{# PostgreSQL: the removal, in one transaction. What nobody knew when the removal was judged stops it. #}
{% macro _removal(names) %}
do $remove$
declare
    used text;
begin
    set local lock_timeout = '2s';
    lock table {% for name in names %}{{ postgres_table(name) }}{{ ', ' if not loop.last }}{% endfor %} in access exclusive mode;
    select string_agg(name || ' is used by ' || by_what, '; ')
    into used
    from (
        {{ users_of_legacy_tables() | indent(8) }}
    ) as users;
    if used is not null then
        raise exception 'Nothing was removed: %', used;
    end if;
    {{ _drop(names) }}
exception
    when lock_not_available or deadlock_detected then
        raise exception 'Nothing was removed: another session works with the tables, or with one that they refer to. Run the command again.';
end
$remove$;
commit
{% endmacro %}


{% macro _drop(names) -%}
    drop table {% for name in names %}{{ postgres_table(name) }}{{ ', ' if not loop.last }}{% endfor %} restrict;
{%- endmacro %}


{# For how long a verdict holds. #}
{% macro _minutes_of_a_verdict() -%}
    {{- return(15) -}}
{%- endmacro %}


{#
    The verdict: when it was given, about which server and database, and how much the tables had been used by then; sealed
    together with the names of the tables, so that a mistyped one is none.
#}
{% macro _verdict(server, tables) %}
    {% set used = _summed(tables) %}
    {% set body = [server['at'], server['identity'], used.reads, used.writes, used.deletes, used.parent_deletes] | join('-') %}
    {% do return(body ~ '-' ~ _seal(body, tables | map(attribute='name') | list)) %}
{% endmacro %}


{% macro _seal(body, names) -%}
    {{- return(local_md5(body ~ '|' ~ var('postgres_schema') ~ '|' ~ names | join('|'))[:8]) -}}
{%- endmacro %}


{# How much tables were used, all together. #}
{% macro _summed(tables) %}
    {% set sums = {} %}
    {% for name in ['reads', 'writes', 'deletes', 'parent_deletes'] %}
        {% do sums.update({name: tables | map(attribute=name) | map('int') | sum}) %}
    {% endfor %}
    {% do return(sums) %}
{% endmacro %}


{#
    What a verdict says of the use of the tables.
    Raises: a compiler error where it is none, or not about these tables, this server or this moment.
#}
{% macro _judged(verdict, server, names) %}
    {% set parts = (verdict | string).split('-') %}
    {% if parts | length != 8 or parts[7] != _seal(parts[:7] | join('-'), names) %}
        {% do exceptions.raise_compiler_error(
            "The verdict '" ~ verdict ~ "' was not given for the tables that exist: " ~ names | join(', ') ~ '. Nothing was removed. Have it judged'
            ~ " again: dbt run-operation remove_legacy_tables --vars '{parity: present}'."
        ) %}
    {% endif %}
    {% if parts[1:3] | join('-') != server['identity'] %}
        {% do exceptions.raise_compiler_error(
            'The verdict is about the PostgreSQL ' ~ parts[1:3] | join('-') ~ ', which ClickHouse reads, and the target ' ~ target.name ~ ' is '
            ~ server['identity'] ~ '. Nothing was removed.'
        ) %}
    {% endif %}
    {% set form = '%Y%m%dT%H%M%S' %}
    {% set age = modules.datetime.datetime.strptime(server['at'], form) - modules.datetime.datetime.strptime(parts[0], form) %}
    {% set minutes = age.total_seconds() / 60 %}
    {% if minutes < 0 or minutes > _minutes_of_a_verdict() %}
        {% do exceptions.raise_compiler_error(
            'The verdict is ' ~ minutes | int ~ ' minutes old; it holds for ' ~ _minutes_of_a_verdict() ~ '. Nothing was removed. Have it judged'
            ~ " again: dbt run-operation remove_legacy_tables --vars '{parity: present}'."
        ) %}
    {% endif %}
    {% do return({'reads': parts[3], 'writes': parts[4], 'deletes': parts[5], 'parent_deletes': parts[6]}) %}
{% endmacro %}


{# Says what would be removed, what it costs, how to back it up, and what stays. #}
{% macro _say_what_there_is(server, tables) %}
    {% set lines = [] %}
    {% set cells = [['table', 'size', 'rows', 'reads a day', 'writes a day', 'last read']] %}
    {% for table in tables %}
        {% do cells.append([
            table['name'], _size(table['bytes'] | int), '{:,}'.format(table['rows'] | int), '{:,.0f}'.format((table['reads'] | int) / server['days']),
            '{:,.0f}'.format((table['writes'] | int + table['deletes'] | int) / server['days']), table['last_read'] | replace('T', ' ') or '-'
        ]) %}
    {% endfor %}
    {% set used = _summed(tables) %}
    {% do cells.append([
        'all', _size(tables | map(attribute='bytes') | map('int') | sum), '{:,}'.format(tables | map(attribute='rows') | map('int') | sum),
        '{:,.0f}'.format(used.reads / server['days']), '{:,.0f}'.format((used.writes + used.deletes) / server['days']), ''
    ]) %}
    {% for row in cells %}
        {% do lines.append('  ' ~ row[0].ljust(20) ~ row[1].rjust(10) ~ row[2].rjust(14) ~ row[3].rjust(14) ~ row[4].rjust(14) ~ row[5].rjust(19)) %}
    {% endfor %}
    {% do log(
        'Legacy tables in ' ~ var('postgres_schema') ~ ' of the database ' ~ server['database'] ~ '. Reads and writes a day are '
        ~ ('averages since ' ~ server['stats_reset'][:16] if server['stats_reset']
            else 'upper limits: the statistics were never reset, and began at ' ~ server['started'][:16] ~ ' or earlier')
        ~ '.\n' ~ lines | join('\n'),
        info=true
    ) %}
    {% do log(
        'Removing them frees ' ~ cells[-1][1] ~ ', and saves ' ~ cells[-1][3] ~ ' reads and ' ~ cells[-1][4] ~ ' writes a day.', info=true
    ) %}
    {% set commands = [] %}
    {% for table in tables %}
        {% do commands.append(
            "  pg_dump --format custom --table '" ~ postgres_table(table['name']) ~ "' --file " ~ table['name'] ~ '.dump'
        ) %}
    {% endfor %}
    {% do log('Backups, with PGHOST, PGPORT, PGDATABASE and PGUSER set; each counts as a read:\n' ~ commands | join('\n'), info=true) %}
    {% set stays = [] %}
    {% for source in graph.sources.values() | sort(attribute='name') if source.config.meta.get('stays') %}
        {% do stays.append('  ' ~ source.name ~ ': ' ~ source.config.meta.stays) %}
    {% endfor %}
    {% do log('These stay, although metrics are made from them:\n' ~ stays | join('\n'), info=true) %}
{% endmacro %}


{% macro _say_that_none_is_left(server) %}
    {% do log(
        'Nothing to remove: ' ~ var('postgres_schema') ~ ' in the database ' ~ server['database'] ~ ' has none of ' ~ legacy_tables() | join(', ') ~ '.', info=true
    ) %}
{% endmacro %}


{% macro _size(bytes) %}
    {% for unit, size in {'GB': 2 ** 30, 'MB': 2 ** 20}.items() if bytes >= size %}
        {% do return('{:,.1f} '.format(bytes / size) ~ unit) %}
    {% endfor %}
    {% do return('{:,.0f} kB'.format(bytes / 1024)) %}
{% endmacro %}


{#
    The looks at the statistics of the legacy tables: append-only. The tables are quiet if the counters have not moved since a
    look that is quiet_hours old.
#}
{% macro _legacy_looks() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='legacy_looks', type='table')) %}
{% endmacro %}


{# Enters what PostgreSQL's statistics say now. #}
{% macro _enter_look(server, tables) %}
    {% do run_query(_legacy_looks_ddl()) %}
    {% do run_query(
        'insert into ' ~ _legacy_looks() ~ " select now64(3, 'UTC') as at, '" ~ _statistics_of(server) ~ "' as statistics, looked.* from ("
        ~ 'select name, reads, writes, deletes, parent_deletes from ' ~ postgres_query(legacy_tables_in_postgres()) ~ ') as looked'
    ) %}
{% endmacro %}


{% macro _legacy_looks_ddl() %}
    create table if not exists {{ _legacy_looks() }}
    (
        at DateTime64(3, 'UTC') comment 'when the statistics were looked at',
        statistics String comment 'whose they are: server, database, schema, and since when they count',
        name String comment 'the legacy table',
        reads Int64 comment 'sequential and index scans',
        writes Int64 comment 'rows inserted and updated',
        deletes Int64 comment 'rows deleted',
        parent_deletes Int64 comment 'rows deleted from the tables that it refers to'
    )
    engine = MergeTree
    order by (statistics, name, at)
    comment 'Looks at the statistics that PostgreSQL keeps of legacy tables. Append-only.'
{% endmacro %}


{% macro _statistics_of(server) -%}
    {{- return([server['identity'], var('postgres_schema'), server['stats_reset']] | join(' ') | trim) -}}
{%- endmacro %}


{# What the tables were used for since the newest look that is quiet_hours old, in words: a list of lines. #}
{% macro _said_of_their_use_since(server, tables, quiet_hours) %}
    {% do run_query(_legacy_looks_ddl()) %}
    {% set old %}
        select max(at)
        from {{ _legacy_looks() }}
        where statistics = '{{ _statistics_of(server) }}' and at <= now64(3, 'UTC') - toIntervalMillisecond({{ (quiet_hours * 3600000) | int }})
    {% endset %}
    {% set looks = {} %}
    {% for row in run_query(
        'select name, toString(at) as looked_at, reads, writes, deletes, parent_deletes from ' ~ _legacy_looks()
        ~ " where statistics = '" ~ _statistics_of(server) ~ "' and at = (" ~ old ~ ')'
    ) %}
        {% do looks.update({row['name']: row}) %}
    {% endfor %}
    {% set lines, unknown = [], [] %}
    {% for table in tables %}
        {% if table['name'] in looks %}
            {% set before = looks[table['name']] %}
            {% do lines.extend(said_of_their_use(table['name'], before, table, before['looked_at'][:16] ~ ' UTC')) %}
        {% else %}
            {% do unknown.append(table['name']) %}
        {% endif %}
    {% endfor %}
    {% if unknown %}
        {% do lines.append(
            'Nobody knows whether ' ~ unknown | join(', ') ~ ' is still used: there is no look at the statistics that is ' ~ quiet_hours
            ~ ' h old. This is one; run the command again then'
        ) %}
    {% endif %}
    {% do return(lines) %}
{% endmacro %}
