{#
    One run at a time works on a model. The lock is a table: creating one is atomic, and its comment names the
    run that made it. A dead run leaves its lock behind; it is taken over once that run shows no sign of life
    (no statement running, no renewal) for lock_patience seconds, or after lock_timeout seconds whatever it does.

    A run may look dead and be merely slow. So taking over also ends the old run's statements and drops its
    tables: what it would still publish from no longer exists, and it fails instead of writing twice.

    Arguments: relation, the model's.
    Returns: a dict to hand to the other macros of this file.
    Raises: a compiler error where another run takes the lock at the same moment.
#}
{% macro acquire_run_lock(relation) %}
    {% set lock = {'relation': relation, 'generation': 1} %}
    {% do _create_lock(lock) %}
    {% set state = _lock_state(relation) %}
    {% if state.run != invocation_id %}
        {% do _outlast(relation, state) %}
        {% set state = _lock_state(relation) %}
        {% do lock.update({'generation': (state.generation if state else 0) + 1}) %}
        {% do _create_lock(lock) %}
        {% set winner = _lock_state(relation) %}
        {% if winner.run != invocation_id %}
            {% do exceptions.raise_compiler_error(
                relation ~ ' is being built by another run (' ~ winner.run ~ '). Nothing was changed; run it again later.'
            ) %}
        {% endif %}
        {% if state %}{% do _end_statements(state.run) %}{% endif %}
    {% endif %}
    {% do _drop_leftovers(relation) %}
    {% do return(lock) %}
{% endmacro %}


{#
    Says that this run is alive, and makes sure that it still holds the lock: to be called before each write.
    Raises: a compiler error where another run has taken over.
#}
{% macro renew_run_lock(lock) %}
    {% set state = _lock_state(lock.relation) %}
    {% if not state or state.run != invocation_id %}
        {% do exceptions.raise_compiler_error(
            'Another run (' ~ (state.run if state else 'unknown') ~ ') has taken over ' ~ lock.relation
            ~ ' because this one showed no sign of life. This run stops here; what it wrote is complete and accounted for.'
        ) %}
    {% endif %}
    {% do run_query("alter table " ~ _lock_table(lock) ~ " modify comment '" ~ _lock_comment() ~ "'") %}
{% endmacro %}


{# Gives the lock back, and those of dead runs below it. #}
{% macro release_run_lock(lock) %}
    {% for generation in range(1, lock.generation + 1) %}
        {% do run_query('drop table if exists ' ~ _lock_table({'relation': lock.relation, 'generation': generation}) ~ ' sync') %}
    {% endfor %}
{% endmacro %}


{# Gives the lock back, where there is one, and stops with an error. #}
{% macro release_and_raise(lock, message) %}
    {% if lock %}
        {% do _drop_leftovers(lock.relation) %}
        {% do release_run_lock(lock) %}
    {% endif %}
    {% do exceptions.raise_compiler_error(message) %}
{% endmacro %}


{#
    A table of this run's that belongs to a model: a scratch table, a clone. Its name carries the run, so that
    no two runs ever write into the same one.
    Arguments: relation, the model's; purpose, one of those that _drop_leftovers() knows.
    Returns: a Relation.
#}
{% macro run_table(relation, purpose) %}
    {% do return(api.Relation.create(
        schema=relation.schema,
        identifier=relation.identifier ~ '__' ~ purpose ~ '_' ~ invocation_id[:8],
        type='table'
    )) %}
{% endmacro %}


{# Drops what dead runs, or this one, left beside a model. Safe only while holding the model's lock. #}
{% macro _drop_leftovers(relation) %}
    {% set leftovers = run_query(
        "select name from system.tables where database = '" ~ relation.schema ~ "'"
        ~ " and match(name, '^" ~ relation.identifier ~ "__(scratch|clone|new)_[0-9a-f]{8}$')"
    ) %}
    {% for row in leftovers %}
        {% do run_query('drop table if exists ' ~ relation.schema ~ '.' ~ row[0] ~ ' sync') %}
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
        ~ " (nothing UInt8) engine = MergeTree order by tuple() comment '" ~ _lock_comment() ~ "'"
    ) %}
{% endmacro %}


{# The lock that counts: the one of the highest generation. None where nobody holds any. #}
{% macro _lock_state(relation) %}
    {% set rows = run_query(
        "select toInt32(extract(name, '__lock_([0-9]+)$')) as generation, comment from system.tables"
        ~ " where database = '" ~ relation.schema ~ "' and match(name, '^" ~ relation.identifier ~ "__lock_[0-9]+$')"
        ~ " order by generation desc limit 1"
    ) %}
    {% for row in rows %}
        {% do return({'generation': row[0] | int, 'run': row[1].split(' ')[0], 'sign_of_life': row[1]}) %}
    {% endfor %}
    {% do return(none) %}
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
        {% set now = _lock_state(relation) %}
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
