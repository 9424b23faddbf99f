{#
    The tables of PostgreSQL that events replace and that go after the cutover: those of the source `legacy`, and those of
    the source `postgres` that say so (meta: legacy). Only they can be retired, and removed.
    Returns: a list of names, sorted.
#}
{% macro legacy_tables() %}
    {% set names = [] %}
    {% for source in graph.sources.values() if source.source_name == 'legacy' or source.config.meta.get('legacy') %}
        {% do names.append(source.name) %}
    {% endfor %}
    {% do return(names | sort) %}
{% endmacro %}


{# Asks PostgreSQL itself, from either kind of target. Arguments: sql, in its dialect. Returns: rows. #}
{% macro ask_postgres(sql) %}
    {% do return(run_query(sql if target.type == 'postgres' else 'select * from ' ~ postgres_query(sql)).rows) %}
{% endmacro %}


{#
    PostgreSQL: which server and database this is, in one row. The statistics count since stats_since, or, where they were
    never reset, at least since the server's start.
#}
{% macro postgres_server() -%}
    select
        control.system_identifier::text || '-' || statistics.datid::text as identity,
        current_database()::text as database,
        current_user::text as role,
        pg_is_in_recovery()::int as is_standby,
        to_char(now() at time zone 'utc', 'YYYYMMDD"T"HH24MISS') as at,
        coalesce(statistics.stats_reset::text, '') as stats_reset,
        pg_postmaster_start_time()::text as started,
        greatest(extract(epoch from now() - coalesce(statistics.stats_reset, pg_postmaster_start_time())) / 86400, 0.0001)::float8 as days
    from pg_control_system() as control
    inner join pg_stat_database as statistics on statistics.datname = current_database()
{%- endmacro %}


{#
    PostgreSQL: the legacy tables that exist, a row each: size, rows and owner, and by its statistics how often they were read
    and written. A deleted row of a table that they refer to costs them a read, and perhaps a row, by their own foreign key;
    parent_deletes is how many of those there were.
#}
{% macro legacy_tables_in_postgres() -%}
    select
        c.relname::text as name,
        pg_total_relation_size(c.oid)::bigint as bytes,
        greatest(c.reltuples, s.n_live_tup, 0)::bigint as rows,
        (s.seq_scan + coalesce(s.idx_scan, 0))::bigint as reads,
        (s.n_tup_ins + s.n_tup_upd)::bigint as writes,
        s.n_tup_del::bigint as deletes,
        coalesce((
            select sum(parent.n_tup_del)
            from pg_stat_all_tables as parent
            where parent.relid in (select confrelid from pg_constraint where contype = 'f' and conrelid = c.oid)
        ), 0)::bigint as parent_deletes,
        -- PostgreSQL 15 has no such columns
        coalesce(left(greatest(to_jsonb(s) ->> 'last_seq_scan', to_jsonb(s) ->> 'last_idx_scan'), 16), '') as last_read,
        pg_get_userbyid(c.relowner)::text as owner,
        pg_has_role(c.relowner, 'usage')::int as is_owner
    from ({{ _legacy_relations() }}) as c
    inner join pg_stat_all_tables as s on s.relid = c.oid
    order by name
{%- endmacro %}


{#
    PostgreSQL: what refers to the legacy tables, a row (name, user) each. Functions are found by their text, where it names
    a table; views, rules, foreign keys, triggers, publications and partitions by the catalog.
#}
{% macro users_of_legacy_tables() -%}
    with legacy as (
        {{ _legacy_relations() | indent(8) }}
    )

    select
        legacy.relname::text as name,
        used.by_what::text as by_what
    from legacy
    cross join lateral (
        select distinct
            case reader.relkind when 'v' then 'the view ' when 'm' then 'the materialized view ' else 'the rule ' || rule.rulename || ' of ' end
            || reader.oid::regclass::text as by_what
        from pg_depend
        inner join pg_rewrite as rule on pg_depend.classid = 'pg_rewrite'::regclass and pg_depend.objid = rule.oid
        inner join pg_class as reader on rule.ev_class = reader.oid
        where pg_depend.refclassid = 'pg_class'::regclass and pg_depend.refobjid = legacy.oid

        union all

        select 'the foreign key ' || conname || ' of ' || conrelid::regclass::text
        from pg_constraint
        where contype = 'f' and confrelid = legacy.oid and conrelid not in (select oid from legacy)

        union all

        select 'the function ' || routine.oid::regprocedure::text
        from pg_proc as routine
        where
            routine.pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            and (
                routine.prosrc ~ ('(^|[^[:alnum:]_])' || legacy.relname || '([^[:alnum:]_]|$)')
                or routine.oid in (
                    select objid
                    from pg_depend
                    where classid = 'pg_proc'::regclass and refclassid = 'pg_class'::regclass and refobjid = legacy.oid
                )
            )

        union all

        select 'the trigger ' || tgname || ' on it'
        from pg_trigger
        where tgrelid = legacy.oid and not tgisinternal

        union all

        select 'the publication ' || pubname
        from pg_publication_rel
        inner join pg_publication on pg_publication_rel.prpubid = pg_publication.oid
        where prrelid = legacy.oid

        union all

        select 'the table ' || inhrelid::regclass::text || ', which inherits from it'
        from pg_inherits
        where inhparent = legacy.oid
    ) as used
    order by name, by_what
{%- endmacro %}


{% macro _legacy_relations() -%}
    select oid, relname, reltuples, relowner
    from pg_class
    where
        relnamespace = to_regnamespace('"{{ var("postgres_schema") }}"')
        and relkind in ('r', 'p')
        and relname in ('{{ legacy_tables() | join("', '") }}')
{%- endmacro %}


{# What refers to the legacy tables, in words: a list of lines. #}
{% macro said_of_their_users() %}
    {% set lines = [] %}
    {% for row in ask_postgres(users_of_legacy_tables()) %}
        {% do lines.append(
            row['name'] ~ ' is used by ' ~ row['by_what']
            ~ (' (made anew without it by dbt run --target ' ~ postgres_target('postgres') ~ ' --select tag:parity)'
                if 'metric_parity.' in row['by_what'])
        ) %}
    {% endfor %}
    {% do return(lines) %}
{% endmacro %}


{#
    Whether legacy tables were used between two looks, in words: a list of lines. Statistics do not say who reads: this
    project reads none that is retired, and its own foreign keys are accounted for.
    Arguments: name, of the table, or more than one; before and now, dicts or rows of reads, writes, deletes and parent_deletes; since,
    when the first look was.
#}
{% macro said_of_their_use(name, before, now, since) %}
    {% set lines = [] %}
    {% set parent_deletes = now['parent_deletes'] | int - before['parent_deletes'] | int %}
    {% set reads = now['reads'] | int - before['reads'] | int %}
    {% set writes = now['writes'] | int - before['writes'] | int %}
    {% set deletes = now['deletes'] | int - before['deletes'] | int %}
    {% if [parent_deletes, reads, writes, deletes] | min < 0 %}
        {% do lines.append('The statistics of ' ~ name ~ ' were reset since ' ~ since) %}
    {% else %}
        {% if reads > parent_deletes %}
            {% do lines.append(name ~ ': ' ~ how_many(reads - parent_deletes, 'read') ~ ' since ' ~ since) %}
        {% endif %}
        {% set written = writes + (0 if parent_deletes else deletes) %}
        {% if written %}
            {% do lines.append(name ~ ': ' ~ how_many(written, 'row') ~ ' written since ' ~ since) %}
        {% endif %}
    {% endif %}
    {% do return(lines) %}
{% endmacro %}
