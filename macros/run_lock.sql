{#
    One run at a time works on a model. The lock is a table: creating one is atomic, and its comment names the
    run that made it. A dead run leaves its lock behind; it is taken over once that run shows no sign of life
    (no statement running, no renewal) for lock_patience seconds, or after lock_timeout seconds whatever it does.

    A run may look dead and be merely slow. So taking over also ends the old run's statements and drops its
    tables: what it would still publish from no longer exists, and it fails instead of writing twice.

    Arguments: relation, the model's; facts, what the caller has to know once nobody else changes it any more: a query of
    kind (not 'table'), name and value. It is answered in the statement that looks at the lock, and so costs none of its own.
    Returns: a dict to hand to the other macros of this file. Its key relation_exists says whether the model has been
    built before (asked of the server: dbt's cache does not know what another run has made meanwhile); facts is what
    facts_of() makes of the query's answer.
    Raises: a compiler error where another run takes the lock at the same moment.
#}
{% macro acquire_run_lock(relation, facts=none) %}
    {% set lock = {'relation': relation, 'generation': 1, 'renewed_at': modules.datetime.datetime.utcnow()} %}
    {% do _create_lock(lock) %}
    {% set tables = _tables_of(relation, facts) %}
    {% if tables.lock.run != invocation_id %}
        {% do _outlast(relation, tables.lock) %}
        {% set dead = _tables_of(relation).lock %}
        {% do lock.update({
            'generation': (dead.generation if dead else 0) + 1,
            'renewed_at': modules.datetime.datetime.utcnow()
        }) %}
        {% do _create_lock(lock) %}
        {% set tables = _tables_of(relation, facts) %}
        {% if tables.lock.run != invocation_id %}
            {% do exceptions.raise_compiler_error(
                relation ~ ' is being built by another run (' ~ tables.lock.run ~ '). Nothing was changed; run it again later.'
            ) %}
        {% endif %}
    {% endif %}
    {% if dead or tables.leftovers %}
        {# Until its statements have ended and its tables are gone, a run that was taken for dead may still change what was seen. #}
        {% if dead %}
            {% do _end_statements(dead.run) %}
        {% endif %}
        {% do _drop_leftovers(relation, _tables_of(relation)) %}
        {% set tables = _tables_of(relation, facts) %}
    {% endif %}
    {% do lock.update({'relation_exists': tables.exists, 'facts': tables.facts}) %}
    {% do return(lock) %}
{% endmacro %}


{#
    Says that this run is alive, and makes sure that it still holds the lock: to be called before each write.
    A lock that was renewed within the last second is hardly ever taken over, so then it is not asked for again: what is
    written from a clone or scratch table fails all the same once another run has dropped it. Where nothing like that
    protects, always=true asks.
    Raises: a compiler error where another run has taken over.
#}
{% macro renew_run_lock(lock, always=false) %}
    {% if always or _may_be_lost(lock) %}
        {% set now = modules.datetime.datetime.utcnow() %}
        {% do held_run_lock(lock.relation) %}
        {% do run_query("alter table " ~ _lock_table(lock) ~ " modify comment '" ~ _lock_comment() ~ "'") %}
        {% do lock.update({'renewed_at': now}) %}
    {% endif %}
{% endmacro %}


{# Whether the run has been silent for long enough to be taken for dead, with the least of patience. #}
{% macro _may_be_lost(lock) %}
    {% do return((modules.datetime.datetime.utcnow() - lock.renewed_at).total_seconds() > 1) %}
{% endmacro %}


{#
    The lock that this run holds, for hooks, which cannot hand it on.
    Arguments: relation, the model's.
    Returns: what acquire_run_lock() returned, without relation_exists and facts.
    Raises: a compiler error where another run has taken over; this run's own tables of the model are gone then.
#}
{% macro held_run_lock(relation) %}
    {% set holder = _tables_of(relation).lock %}
    {% if not holder or holder.run != invocation_id %}
        {% do _drop_own_tables(relation) %}
        {% do exceptions.raise_compiler_error(
            'Another run (' ~ (holder.run if holder else 'unknown') ~ ') has taken over ' ~ relation
            ~ ' because this one showed no sign of life. This run stops here; what it wrote is complete and accounted for.'
        ) %}
    {% endif %}
    {% do return({
        'relation': relation, 'generation': holder.generation, 'renewed_at': modules.datetime.datetime.utcnow()
    }) %}
{% endmacro %}


{#
    Drops what there is of this run's tables of the model, see run_table(), and gives the lock back, and those of dead runs
    below it: all in one statement. A run that may have slept looks first whether the lock is still its own: after another
    has come and gone, a third one's has the same name.
#}
{% macro release_run_lock(lock) %}
    {% set locks = [] %}
    {% if not _may_be_lost(lock) or _tables_of(lock.relation).lock.run == invocation_id %}
        {% for generation in range(1, lock.generation + 1) %}
            {% do locks.append(_lock_table({'relation': lock.relation, 'generation': generation})) %}
        {% endfor %}
    {% endif %}
    {% do _drop_own_tables(lock.relation, locks) %}
{% endmacro %}


{# Drops what there is of this run's tables of a model, and the locks given. #}
{% macro _drop_own_tables(relation, locks=[]) %}
    {% set tables = [] %}
    {% for purpose in _purposes_of_run_tables() %}
        {% do tables.append(run_table(relation, purpose)) %}
    {% endfor %}
    {% do run_query('drop table if exists ' ~ (tables + locks) | join(', ')) %}
{% endmacro %}


{# Gives the lock back as release_run_lock() does, where there is one, and stops with an error. #}
{% macro release_and_raise(lock, message) %}
    {% if lock %}
        {% do release_run_lock(lock) %}
    {% endif %}
    {% do exceptions.raise_compiler_error(message) %}
{% endmacro %}


{#
    A table of this run's that belongs to a model: a scratch table, a clone. Its name carries the run, so that
    no two runs ever write into the same one.
    Arguments: relation, the model's; purpose, one of _purposes_of_run_tables().
    Returns: a Relation.
#}
{% macro run_table(relation, purpose) %}
    {% do return(api.Relation.create(
        schema=relation.schema,
        identifier=relation.identifier ~ '__' ~ purpose ~ '_' ~ invocation_id[:8],
        type='table'
    )) %}
{% endmacro %}


{% macro _purposes_of_run_tables() %}
    {% do return(['scratch', 'clone', 'corrections', 'new']) %}
{% endmacro %}


{#
    Drops what dead runs left beside a model. Safe only while holding the model's lock. With sync, since a statement of a dead
    run may still be at work on them; a run need not wait for its own tables' files.
#}
{% macro _drop_leftovers(relation, tables) %}
    {% for name in tables.leftovers %}
        {% do run_query('drop table if exists ' ~ relation.schema ~ '.' ~ name ~ ' sync') %}
    {% endfor %}
{% endmacro %}


{% macro _lock_table(lock) -%}
    {{- return(lock.relation.schema ~ '.' ~ lock.relation.identifier ~ '__lock_' ~ lock.generation) -}}
{%- endmacro %}


{% macro _lock_comment() -%}
    {{- return(invocation_id ~ ' ' ~ modules.datetime.datetime.utcnow().isoformat()) -}}
{%- endmacro %}


{% macro _create_lock(lock) %}
    {% do run_query(
        'create table if not exists ' ~ _lock_table(lock)
        ~ " (nothing UInt8) engine = Memory comment '" ~ _lock_comment() ~ "'"
    ) %}
{% endmacro %}


{#
    What there is of a model, in one look.
    Arguments: relation, the model's; facts, see acquire_run_lock().
    Returns: a dict of exists (the model's own relation), leftovers (names of tables of run_table()), lock, the one
    that counts: a dict of generation (the highest), run and sign_of_life; none where nobody holds any; and facts.
#}
{% macro _tables_of(relation, facts=none) %}
    {% set seen = facts_of(
        "select 'table' as kind, name, comment as value from system.tables where database = '" ~ relation.schema ~ "'"
        ~ " and match(name, '^" ~ relation.identifier ~ "(__lock_[0-9]+|__(" ~ _purposes_of_run_tables() | join('|') ~ ")_[0-9a-f]{8}|__dbt_new_data_[0-9a-f_]{36})?$')"
        ~ (' union all ' ~ facts if facts else '')
    ) %}
    {% set tables = {'exists': false, 'leftovers': [], 'lock': none, 'facts': seen} %}
    {% for name, comment in seen.get('table', {}).items() %}
        {% if name == relation.identifier %}
            {% do tables.update({'exists': true}) %}
        {% elif '__lock_' not in name[relation.identifier | length:] %}
            {% do tables.leftovers.append(name) %}
        {% else %}
            {% set generation = name.split('__lock_') | last | int %}
            {% if not tables.lock or generation > tables.lock.generation %}
                {% do tables.update({'lock': {'generation': generation, 'run': comment.split(' ')[0], 'sign_of_life': comment}}) %}
            {% endif %}
        {% endif %}
    {% endfor %}
    {% do return(tables) %}
{% endmacro %}


{#
    The answer to a query of kind, name and value, all of them texts.
    Returns: a dict, by kind, of dicts, by name, of values. A kind without rows is missing.
#}
{% macro facts_of(query) %}
    {% set facts = {} %}
    {% for row in run_query(query) %}
        {% do facts.setdefault(row['kind'], {}).update({row['name']: row['value']}) %}
    {% endfor %}
    {% do return(facts) %}
{% endmacro %}


{# Waits until the lock is given back, or its holder is dead for all one can see. #}
{% macro _outlast(relation, state) %}
    {% do log(
        relation.identifier ~ ': run ' ~ state.run ~ ' holds the lock; waiting until it ends or shows no sign of life for '
        ~ var('lock_patience') ~ ' s',
        info=true
    ) %}
    {% set seen = namespace(sign_of_life=state.sign_of_life, silent=0, done=false) %}
    {% for second in range(var('lock_timeout') | int) if not seen.done %}
        {% set running = run_query("select count() + sleep(1) from system.processes where " ~ _is_statement_of(state.run)) %}
        {% set now = _tables_of(relation).lock %}
        {% if not now %}
            {% set seen.done = true %}
        {% else %}
            {% set quiet = now.sign_of_life == seen.sign_of_life and running.rows[0][0] == 0 %}
            {% set seen.silent = seen.silent + 1 if quiet else 0 %}
            {% set seen.sign_of_life = now.sign_of_life %}
            {% set seen.done = seen.silent >= var('lock_patience') | int %}
        {% endif %}
    {% endfor %}
    {% if not seen.done %}
        {% do exceptions.warn(
            relation ~ ': the lock of run ' ~ state.run ~ ' is taken over after ' ~ var('lock_timeout')
            ~ ' s although it still shows signs of life; its statements on this model are ended.'
        ) %}
    {% endif %}
{% endmacro %}


{# Ends the statements of a run on the current model, and waits until they have ended. #}
{% macro _end_statements(run) %}
    {% do run_query('kill query where ' ~ _is_statement_of(run) ~ ' sync') %}
{% endmacro %}


{# True for the rows of system.processes that are statements of a run on the current model. #}
{% macro _is_statement_of(run) -%}
    {{- return(
        "position(query, '" ~ _statement_of(run, model.unique_id) ~ "') > 0 and position(query, 'system.processes') = 0"
    ) -}}
{%- endmacro %}
