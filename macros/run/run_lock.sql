{#
    One run at a time writes. The lock is a chain of tables <name>_<number>. The one with the highest number counts; its comment
    names the run that holds the lock, or nobody. Creating a table is atomic, so of all runs that try to create the next number
    exactly one gets it. The highest number is never dropped, so none is used twice.

    A run that dies keeps the lock. The next run takes over once none of the dead run's statements has been seen on the server
    for lock_patience seconds. A run that merely slept may wake up after that. It can do no harm, because whatever could is
    written in this order: a run makes a table of its own (run_table()), sees that it still holds the lock (require_run_lock()),
    and from then on writes only with statements that name that table. Whoever takes over first gets the lock, and then drops or
    renames such tables. So either the sleeper sees that the lock is lost, or its statement fails, even one that the network
    delivers minutes later.

    Arguments: name, 'run_lock' (staging, events, log) or 'marts_lock'.
    Returns: whether the run had to wait; if so, dbt's cache of relations may be out of date.
    Raises: a compiler error if another run held the lock all the time.
#}
{% macro acquire_run_lock(name) %}
    {% set seen = namespace(holder='', silent=0, dead=none, waited=false, number=none) %}
    {% for look in range(100000) %}
        {% set lock = newest_lock(name) %}
        {% if lock.holder == invocation_id %}
            {% set seen.number = lock.number %}
            {% break %}
        {% elif lock.holder == '' %}
            {% do _create_lock(name, lock.number + 1) %}
        {% elif lock.holder == seen.holder and seen.silent >= 4 * var('lock_patience') %}
            {% do log('Run ' ~ lock.holder ~ ' shows no sign of life: this run takes over from it.', info=true) %}
            {% set seen.dead = lock.holder %}
            {% do _create_lock(name, lock.number + 1) %}
        {% else %}
            {% if lock.holder != seen.holder %}
                {% do log('Run ' ~ lock.holder ~ ' is at work; waiting until it has ended, or shows no sign of life for '
                    ~ var('lock_patience') ~ ' s.', info=true) %}
                {% set seen.holder, seen.silent, seen.waited = lock.holder, 0, true %}
            {% endif %}
            {% set running = run_query('select count() + sleep(0.25) from system.processes where ' ~ is_statement_of(lock.holder)) %}
            {% set seen.silent = 0 if running.rows[0][0] > 0 else seen.silent + 1 %}
        {% endif %}
    {% endfor %}
    {% if seen.number is none %}
        {% do exceptions.raise_compiler_error('Run ' ~ seen.holder ~ ' held the lock all the time. Nothing was changed; run the command again later.') %}
    {% endif %}
    {% if seen.dead %}
        {% do run_query('kill query where ' ~ is_statement_of(seen.dead) ~ ' sync') %}
    {% endif %}
    {% do _drop_run_tables(name, locks_below=seen.number) %}
    {% do return(seen.waited) %}
{% endmacro %}


{#
    Stops a run that has lost its lock. Call it after making the table that the run is about to write from.
    Arguments: name, of the lock.
    Raises: a compiler error if another run has taken over; this run's own tables are dropped first.
#}
{% macro require_run_lock(name) %}
    {% set holder = newest_lock(name).holder %}
    {% if holder != invocation_id %}
        {% do _drop_run_tables(name, invocation_id[:8]) %}
        {% do exceptions.raise_compiler_error(
            'Another run (' ~ holder ~ ') has taken over, because this one showed no sign of life. This run stops here;'
            ~ ' what it wrote is complete and accounted for.'
        ) %}
    {% endif %}
{% endmacro %}


{#
    Drops this run's own tables and releases the lock, unless another run has taken it over.
    Arguments: name, of the lock.
#}
{% macro release_run_lock(name) %}
    {% do _drop_run_tables(name, invocation_id[:8]) %}
    {% set lock = newest_lock(name) %}
    {% if lock.holder == invocation_id %}
        {% do run_query("alter table " ~ _lock_table(name, lock.number) ~ " modify comment ''") %}
    {% endif %}
{% endmacro %}


{#
    Stops with an error. A hook or a run-operation releases the locks first, since on-run-end does not run after it.
    Arguments: message.
#}
{% macro stop(message) %}
    {% if model.resource_type != 'model' %}
        {% for name in ['run_lock', 'marts_lock'] %}
            {% do release_run_lock(name) %}
        {% endfor %}
    {% endif %}
    {% do exceptions.raise_compiler_error(message) %}
{% endmacro %}


{#
    A table of this run's own. Its name carries the run, so no two runs write to the same one.
    Arguments: relation, of the model that the table is for; purpose: scratch (rows on their way into the model), new (a staging
    table built beside the old one), incomplete (a publication in preparation), empty (a partition of a mart without rows).
    Returns: a Relation.
#}
{% macro run_table(relation, purpose) %}
    {% do return(api.Relation.create(
        schema=relation.schema, identifier=relation.identifier ~ '__' ~ purpose ~ '_' ~ invocation_id[:8], type='table'
    )) %}
{% endmacro %}


{#
    Drops tables of run_table(), and those that dbt makes for a partition of a mart; with sync, since a statement may still be
    using them.
    Arguments: name, the lock under which they are used; run, the first eight digits of a run, none: of all runs, for the run
    that holds the lock; locks_below, the number of that lock: older ones are dropped as well.
#}
{% macro _drop_run_tables(name, run=none, locks_below=0) %}
    {% set purposes = {'run_lock': '(scratch|new|incomplete)', 'marts_lock': '(empty|dbt_new_data)'}[name] %}
    {% for table in query_column(
        "select name from system.tables where database = '" ~ target.schema ~ "' and (match(name, '__" ~ purposes ~ '_'
        ~ (run or '[0-9a-f]{8}') ~ "([0-9a-f_]{28})?$') or match(name, '^" ~ name ~ "_[0-9]+$') and " ~ _lock_number() ~ ' < ' ~ locks_below ~ ')'
    ) %}
        {% do run_query('drop table if exists ' ~ target.schema ~ '.' ~ table ~ ' sync') %}
    {% endfor %}
{% endmacro %}


{# Number and holder of the lock of a name that counts; number 0 if there has never been one, holder '' if it is free. #}
{% macro newest_lock(name) %}
    {% set found = run_query(
        "select " ~ _lock_number() ~ " as number, comment from system.tables where database = '" ~ target.schema
        ~ "' and match(name, '^" ~ name ~ "_[0-9]+$') order by number desc limit 1"
    ).rows %}
    {% do return({'number': found[0]['number'] | int, 'holder': found[0]['comment']} if found else {'number': 0, 'holder': ''}) %}
{% endmacro %}


{% macro _create_lock(name, number) %}
    {% do run_query(
        'create table if not exists ' ~ _lock_table(name, number) ~ " (nothing UInt8) engine = Memory comment '" ~ invocation_id ~ "'"
    ) %}
{% endmacro %}


{% macro _lock_number() -%}
    {{- return("toUInt32OrZero(extract(name, '[0-9]+$'))") -}}
{%- endmacro %}


{% macro _lock_table(name, number) -%}
    {{- return(target.schema ~ '.' ~ name ~ '_' ~ number) -}}
{%- endmacro %}


{# The condition for rows of system.processes to be statements of a run. Arguments: run, its id, or how that begins. #}
{% macro is_statement_of(run) -%}
    {{- return("startsWith(query, '/* {\"run\": \"" ~ run ~ "')") -}}
{%- endmacro %}
