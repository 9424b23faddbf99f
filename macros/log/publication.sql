{#
    Publishes what this run has built and audited into the event log, exactly once, by a redo log:

    1. The pending table is compared with what the log holds in the same windows. Nothing there: it is due. The same events
       there: they are taken as published. Others there: a conflict, which the var on_conflict decides.
    2. It is cloned, without copying, to a table publication_<run>. A complete publication has that name, and its comment
       says what it is for; the ledger says which events it holds (intended).
    3. The publication is replayed: what the log lacks of it is attached in one step (or inserted), the log is compared with
       what was intended, the ledger is told that it is published, and the publication is dropped.
    4. A run that finds the publication of a dead one makes it its own and replays it. That is the whole of recovery.

    The relation that remains is a view: what is published of that kind.

    The model: the select of that view.
    Config: kind, events or corrections: which pending table is published.
    Vars: event_log, on_conflict, log_views; of corrections: reconcile_limit, reconcile_dry_run.
    Raises: a compiler error where this run has not built the pending table, at a conflict with on_conflict: fail (the entity
    types without conflict are published first), and where the log does not hold afterwards what was intended.
#}
{% materialization publication, adapter='clickhouse' %}
    {% set kind = config.require('kind') %}
    {% set pending = api.Relation.create(schema=this.schema, identifier='pending_' ~ kind, type='table') %}
    {% set windows = windows_of_publication(kind, invocation_id, 'pending') if _is_built_in_this_run(pending) else [] %}
    {% set conflicts = [] %}
    {% if kind == 'corrections' and not confirmed_corrections(pending, windows) %}
        {% set windows = [] %}
    {% endif %}
    {% if windows %}
        {% set traits = event_log_traits() %}
        {% set resolved = _resolve_conflicts(pending, windows, traits) if kind == 'events' else {'windows': windows, 'replace': false, 'conflicts': []} %}
        {% set conflicts = resolved.conflicts %}
        {% if resolved.windows %}
            {% do replay(_complete_publication(kind, pending, resolved, traits), traits) %}
        {% endif %}
    {% endif %}

    {% call statement('main') %}
        create or replace view {{ this }} as
        {{ sql }}
    {% endcall %}
    {% do persist_docs(this, model) %}
    {% if conflicts %}
        {% do exceptions.raise_compiler_error(_describe_conflicts(conflicts)) %}
    {% endif %}
    {% do return({'relations': [this.incorporate(type='view')]}) %}
{% endmaterialization %}


{#
    Nothing is published that an earlier run has built: it may be out of date, or the audit may have refused it.
    Returns: true. Raises: a compiler error where the pending table is not of this run.
#}
{% macro _is_built_in_this_run(pending) %}
    {% if 'model.' ~ project_name ~ '.' ~ pending.identifier not in selected_resources %}
        {% do exceptions.raise_compiler_error(
            this.identifier ~ ' publishes only what the same run has built and audited, but this run leaves out ' ~ pending.identifier
            ~ '. Nothing was published. Select both, as in dbt build --select tag:'
            ~ ('backfill' if pending.identifier == 'pending_events' else 'reconcile') ~ '; not as dbt retry.'
        ) %}
    {% endif %}
    {% do return(true) %}
{% endmacro %}


{#
    Compares what is pending with what the log holds in the same windows.
    Returns: a dict of windows (those to be published), left_out (the condition for pending events that are not), kept (the
    condition for the log's events that stay and count as published), replace (whether the log's other events are to be deleted),
    replaced (rows of side_by_side() that say which) and conflicts (rows of side_by_side() that end the run with an error once
    the rest is published).
#}
{% macro _resolve_conflicts(pending, windows, traits) %}
    {% set resolved = {'windows': windows, 'left_out': '', 'kept': '', 'replace': false, 'conflicts': []} %}
    {% set filter = where_within_windows(windows, traits.decimals) %}
    {# The usual case costs one look that reads no more than the filter's columns. #}
    {% if query_column('select count() from ' ~ event_log() ~ ' ' ~ filter) | first == 0 %}
        {% do return(resolved) %}
    {% endif %}
    {% set conflicts = run_query(
        'select * from (' ~ side_by_side(content_of(pending), content_of(event_log(), filter)) ~ ') where differs and found_rows > 0'
        ~ ' order by entity_type, metric_type, partition_id'
    ).rows %}
    {% if not conflicts %}
        {% do return(resolved) %}
    {% endif %}
    {% if var('on_conflict') == 'fail' %}
        {% set types = conflicts | map(attribute='entity_type') | unique | list %}
        {% do resolved.update({
            'windows': windows | rejectattr('entity_type', 'in', types) | list,
            'left_out': "entityType in ('" ~ types | join("', '") ~ "')",
            'conflicts': conflicts
        }) %}
    {% else %}
        {% do log('published_events: on_conflict is ' ~ var('on_conflict') ~ ' for\n'
            ~ describe_differences(conflicts, 'this run publishes', 'the log held'), info=true) %}
        {% if var('on_conflict') == 'skip' %}
            {% do resolved.update({'left_out': _are_parts(conflicts), 'kept': _are_parts(conflicts)}) %}
            {% do exceptions.warn('The events that the log keeps in these partitions were not audited. dbt test compares them.') %}
        {% else %}
            {% do resolved.update({'replace': true, 'replaced': conflicts}) %}
        {% endif %}
    {% endif %}
    {% do return(resolved) %}
{% endmacro %}


{# The condition for events to be of the metrics and partitions that rows of side_by_side() speak of. #}
{% macro _are_parts(rows) -%}
    (entityType, metricType, _partition_id) in (
        {%- for row in rows %}('{{ row['entity_type'] }}', '{{ row['metric_type'] }}', '{{ row['partition_id'] }}'){{ ', ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}


{% macro _describe_conflicts(conflicts) %}
    {% do return(
        'The event log ' ~ var('event_log') ~ ' already holds other events of these metrics before the cutoff:\n'
        ~ describe_differences(conflicts, 'this run would publish', 'the log holds')
        ~ '\nOf their entity types nothing was changed; what is due of others is published. Choose with'
        ~ " --vars '{on_conflict: replace}' (delete exactly those events, publish this run's) or '{on_conflict: skip}' (keep"
        ~ ' those, publish nothing of these metrics in these partitions).'
    ) %}
{% endmacro %}


{#
    Makes the publication of what is to be published: from here on the next run finishes it, whatever dies.
    Returns: a dict of relation, event_log, kind, publication (the run that built it), replace and how (attached or inserted).
#}
{% macro _complete_publication(kind, pending, resolved, traits) %}
    {% set incomplete = run_table(api.Relation.create(schema=this.schema, identifier='publication'), 'incomplete') %}
    {% set purpose = {
        'event_log': var('event_log'),
        'kind': kind,
        'publication': invocation_id,
        'replace': resolved.replace,
        'how': 'inserted' if traits.views and var('log_views') == 'feed' else 'attached'
    } %}
    {% do run_query('create table ' ~ incomplete ~ ' clone as ' ~ pending ~ " comment '" ~ tojson(purpose) ~ "'") %}
    {% do require_run_lock('run_lock') %}
    {% if resolved.left_out %}
        {% do run_query('alter table ' ~ incomplete ~ ' delete where ' ~ resolved.left_out ~ ' settings mutations_sync = 2') %}
    {% endif %}
    {% do run_query(_enter_intended(kind, incomplete, resolved, traits)) %}
    {% set complete = _publication_table() %}
    {% do run_query('rename table ' ~ incomplete ~ ' to ' ~ complete) %}
    {% do purpose.update({'relation': complete}) %}
    {% do return(purpose) %}
{% endmacro %}


{# The name that a complete publication has while this run works on it. #}
{% macro _publication_table() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='publication_' ~ invocation_id[:8], type='table')) %}
{% endmacro %}


{#
    What the log must hold once the publication is replayed: its events, and those of the log that stay. One row a partition,
    and one for the whole window. The window of a metric without any event stays open, since a source that is empty today may
    be one that was not filled yet; unless it is published anew, or replaces other events, and nothing is left of it.
#}
{% macro _enter_intended(kind, publication, resolved, traits) %}
    insert into {{ publications() }} (
        event_log, kind, entity_type, metric_type, window_start, window_end, partition_id, state, rows, value_sum, hash, rule, publication, invocation_id
    )
    with content as (
        select * from ({{ content_of(publication) }})
        {%- if resolved.kept %}
        union all
        select * from ({{ content_of(
            event_log(), where_within_windows(resolved.windows, traits.decimals) ~ ' and ' ~ resolved.kept
        ) }})
        {%- endif %}
    )

    select
        '{{ var("event_log") }}' as event_log,
        '{{ kind }}' as kind,
        pending.entity_type as entity_type,
        pending.metric_type as metric_type,
        pending.window_start as window_start,
        pending.window_end as window_end,
        content.partition_id as partition_id, -- empty in the second of the sets
        'intended' as state,
        content.rows as rows,
        content.value_sum as value_sum,
        content.hash as hash,
        if(content.partition_id = '', pending.rule, '') as rule,
        '{{ invocation_id }}' as publication,
        '{{ invocation_id }}' as invocation_id
    from (
        select *
        from {{ publications() }}
        where
            {{ whole_windows(kind, ['pending']) }}
            and publication = '{{ invocation_id }}'
            and window_start < window_end
            and {{ of_metrics(resolved.windows) | replace('entityType', 'entity_type') | replace('metricType', 'metric_type') }}
    ) as pending
    left join (
        select
            entity_type,
            metric_type,
            partition_id,
            sum(content.rows) as rows,
            sum(content.value_sum) as value_sum,
            sum(content.hash) as hash
        from content
        group by
            grouping sets (
                (entity_type, metric_type, partition_id),
                (entity_type, metric_type)
            )
    ) as content on pending.entity_type = content.entity_type and pending.metric_type = content.metric_type
    where
        content.rows > 0
        {%- if resolved.replace %}
        or {{ of_metrics(resolved.replaced) | replace('entityType', 'pending.entity_type') | replace('metricType', 'pending.metric_type') }}
        {%- endif %}
        or pending.window_start = {{ utc_literal(beginning_of_time()) }}
        and (pending.entity_type, pending.metric_type) in (select (entity_type, metric_type) from ({{ published_metrics() }}))
{% endmacro %}


{#
    Brings the log to hold a publication, whatever it holds of it already: what is equal is done, what is absent is attached,
    of what is there in part the rest is added. Enters in the ledger that it is published, and drops it.
    Arguments: publication, of _complete_publication() or unfinished_publications(); traits, of event_log_traits().
    Raises: a compiler error where the log does not hold afterwards what was intended.
#}
{% macro replay(publication, traits) %}
    {% set began = modules.datetime.datetime.utcnow() %}
    {% set relation, kind = publication.relation, publication.kind %}
    {% set windows = windows_of_publication(kind, publication.publication, 'intended') %}
    {% if not windows %}
        {# None of its metrics has any event, and so their windows stay open. #}
        {% do run_query('drop table ' ~ relation ~ ' sync') %}
        {% do log('published_' ~ kind ~ ': nothing to publish', info=true) %}
        {% do return(none) %}
    {% endif %}
    {% set filter = corrections_of(relation, windows) if kind == 'corrections' else where_within_windows(windows, traits.decimals) %}
    {% set events = _require_all_intended(publication) %}
    {% set how = publication.how %}

    {% if query_column('select count() from ' ~ event_log() ~ ' ' ~ filter) | first == 0 %}
        {% do _write(relation, how) %}
    {% else %}
        {% do _write_rest(publication, filter, within_windows(windows, traits.decimals), how) %}
    {% endif %}

    {% set intended = _intended_content(publication) %}
    {% set differences = run_query(content_differences(intended, content_of(event_log(), filter))).rows %}
    {% if differences %}
        {% do stop(
            'The event log ' ~ var('event_log') ~ ' does not hold what was just published to it:\n' ~ describe_differences(differences, 'published', 'found')
            ~ '\nIt is not entered as published; the next run looks again. Something else writes or deletes events of these metrics'
            ~ ' before the cutoff.'
        ) %}
    {% endif %}
    {% do run_query(_enter_published(publication)) %}
    {% do log('published_' ~ kind ~ ': ' ~ how_many(events, 'event') ~ ' of ' ~ how_many(windows | length, 'metric') ~ ' published (' ~ how ~ ')', info=true) %}
    {% do say_progress(began, 'published_' ~ kind, events, 'event') %}
    {% if traits.views and how == 'attached' %}
        {% do log(_fill_views_sql(windows, traits), info=true) %}
    {% endif %}
    {% do run_query('drop table ' ~ relation ~ ' sync') %}
{% endmacro %}


{#
    Puts events of a publication into the log. Attaching copies nothing and is one step for its readers, but passes
    materialized views by.
    Arguments: relation, the publication; how, attached or inserted; partitions, ids of partitions; none: all of them.
#}
{% macro _write(relation, how, partitions=none) %}
    {% if how == 'inserted' %}
        {% do run_query(
            'insert into ' ~ event_log() ~ ' (' ~ event_columns() ~ ') select ' ~ event_columns() ~ ' from ' ~ relation
            ~ (" where _partition_id in ('" ~ partitions | join("', '") ~ "')" if partitions) ~ _insert_settings()
        ) %}
    {% elif partitions %}
        {% set steps = [] %}
        {% for id in partitions %}
            {% do steps.append("attach partition id '" ~ id ~ "' from " ~ relation) %}
        {% endfor %}
        {% do run_query('alter table ' ~ event_log() ~ ' ' ~ steps | join(', ')) %}
    {% else %}
        {% do run_query('alter table ' ~ event_log() ~ ' attach partition all from ' ~ relation) %}
    {% endif %}
{% endmacro %}


{% macro _insert_settings() -%}
    {{- return(' settings max_partitions_per_insert_block = 0, insert_deduplicate = 0') -}}
{%- endmacro %}


{#
    Puts into the log what it lacks of a publication of which it holds something already.
    Arguments: publication; filter, for the log's events to be those of the publication; condition, for them to be in its
    windows; how, attached or inserted.
#}
{% macro _write_rest(publication, filter, condition, how) %}
    {% set relation = publication.relation %}
    {% set parts = run_query(side_by_side(content_of(relation), content_of(event_log(), filter))).rows %}
    {% set other = parts | selectattr('differs') | selectattr('found_rows', 'gt', 0) | list %}
    {% if publication.replace and other %}
        {# It names the publication, so that a run that has lost its lock deletes nothing; once begun, it reads it no more. #}
        {% do run_query(
            'delete from ' ~ event_log() ~ ' where ' ~ condition ~ ' and ' ~ _are_parts(other)
            ~ ' and (select count() from ' ~ relation ~ ') >= 0 settings mutations_execute_subqueries_on_initiator = 1'
        ) %}
        {% set other = [] %}
    {% endif %}

    {# A partition of which the log holds nothing is attached as a whole; of others, single events are added. #}
    {% set absent, partial = [], [] %}
    {% for id, expected in parts | selectattr('expected_rows', 'gt', 0) | groupby('partition_id') if expected | selectattr('differs') | list %}
        {% set held = expected | rejectattr('differs') | list + other | selectattr('partition_id', 'eq', id) | selectattr('expected_rows', 'gt', 0) | list %}
        {% do (partial if held else absent).append(id) %}
    {% endfor %}
    {% if partial and query_column(_foreign_rows(relation, filter, partial)) | first > 0 %}
        {% do stop(
            'The event log ' ~ var('event_log') ~ ' holds a part of a publication, and other events among it:\n'
            ~ describe_differences(other, 'to be published', 'the log holds') ~ '\nNothing was changed. Find out who wrote them, and delete them.'
        ) %}
    {% endif %}
    {% if absent %}
        {% do _write(relation, how, absent) %}
    {% endif %}
    {% if partial %}
        {% do run_query(_insert_rest(relation, filter, partial)) %}
    {% endif %}
{% endmacro %}


{# How many of the log's events are not the publication's, counting duplicates, in partitions of both. #}
{% macro _foreign_rows(relation, filter, partitions) %}
    select count()
    from (
        select {{ event_columns() }}, count() as held
        from {{ event_log() }}
        {{ filter }} and _partition_id in ('{{ partitions | join("', '") }}')
            and (entityType, metricType, _partition_id) in (select entityType, metricType, _partition_id from {{ relation }})
        group by {{ event_columns() }}
    ) as log
    left join (
        select {{ event_columns() }}, count() as wanted
        from {{ relation }}
        group by {{ event_columns() }}
    ) as ours using ({{ event_columns() }})
    where held > wanted
{% endmacro %}


{# Inserts those of the publication's events that the log lacks; of twins, as many as are missing. #}
{% macro _insert_rest(relation, filter, partitions) %}
    insert into {{ event_log() }} ({{ event_columns() }})
    select {{ event_columns() }}
    from (
        select
            {{ event_columns() }},
            row_number() over (partition by {{ event_columns() }}) as copy
        from {{ relation }}
        where _partition_id in ('{{ partitions | join("', '") }}')
    ) as ours
    left join (
        select {{ event_columns() }}, count() as held
        from {{ event_log() }}
        {{ filter }}
        group by {{ event_columns() }}
    ) as log using ({{ event_columns() }})
    where copy > held
    {{ _insert_settings() }}
{% endmacro %}


{#
    Nothing is written that the ledger does not intend: what it does not name could not be proven afterwards.
    Returns: how many events are intended.
#}
{% macro _require_all_intended(publication) %}
    {% set counts = run_query(
        'select (select count() from ' ~ publication.relation ~ ') as held, (select sum(rows) from (' ~ _intended_content(publication) ~ ')) as intended'
    ).rows[0] %}
    {% if counts['held'] > counts['intended'] %}
        {% do stop('The ledger ' ~ publications() ~ ' lists ' ~ how_many(counts['intended'], 'event') ~ ' of the publication ' ~ publication.relation
            ~ ', which holds ' ~ counts['held'] ~ '. Nothing was published. Drop that table, and run the command again.') %}
    {% endif %}
    {% do return(counts['intended']) %}
{% endmacro %}


{# What the ledger says of a publication's partitions: a query of the shape of content_of(). #}
{% macro _intended_content(publication) %}
    select
        entity_type,
        metric_type,
        partition_id,
        rows,
        value_sum,
        hash
    from {{ publications() }}
    where
        event_log = '{{ var("event_log") }}'
        and kind = '{{ publication.kind }}'
        and publication = '{{ publication.publication }}'
        and state = 'intended'
        and partition_id != ''
{% endmacro %}


{# One insert, so that all of its windows are closed at once. It fails where another run has taken the publication over. #}
{% macro _enter_published(publication) %}
    insert into {{ publications() }}
    select * replace (
        'published' as state,
        '{{ invocation_id }}' as invocation_id,
        now64(3, 'UTC') as at
    )
    from (
        select *
        from {{ publications() }}
        where
            event_log = '{{ var("event_log") }}'
            and kind = '{{ publication.kind }}'
            and publication = '{{ publication.publication }}'
            and state = 'intended'
            -- not twice: a run may have died between this entry and the end of the publication
            and publication not in (
                select publication
                from {{ publications() }}
                where event_log = '{{ var("event_log") }}' and kind = '{{ publication.kind }}' and state = 'published'
            )
            and (select count() from {{ publication.relation }}) >= 0
    )
{% endmacro %}


{#
    The SQL that shows materialized views what was attached past them, for people.
    Arguments: windows, that were published; traits, of event_log_traits().
#}
{% macro _fill_views_sql(windows, traits) %}
    {% set statements = ['Materialized views have not seen these events (log_views: skip). This fills them:'] %}
    {% for row in run_query(
        "select database || '.' || name as view, as_select from system.tables where database || '.' || name in ('" ~ traits.views | join("', '") ~ "')"
    ) %}
        {% set published = '(select * from ' ~ var('event_log') ~ ' where ' ~ within_windows(windows, traits.decimals).split() | join(' ') ~ ')' %}
        {% do statements.append('insert into ' ~ row['view'] ~ ' ' ~ row['as_select'] | replace(var('event_log'), published, 1) ~ ';') %}
    {% endfor %}
    {% do return(statements | join('\n')) %}
{% endmacro %}


{#
    Replays what dead runs have completed and not published. To be called by the run that has just got the lock.
    Raises: a compiler error where a publication is for another log than this run's.
#}
{% macro replay_unfinished_publications() %}
    {% for table in run_query(
        "select name, comment from system.tables where database = '" ~ target.schema ~ "' and match(name, '^publication_[0-9a-f]{8}$')"
    ) %}
        {% set publication = fromjson(table['comment']) %}
        {% if publication.event_log != var('event_log') %}
            {% do stop(
                'A dead run has left a publication for the event log ' ~ publication.event_log ~ ', but the var event_log is ' ~ var('event_log')
                ~ '. Nothing was changed. Run dbt with the former log first: it finishes the publication.'
            ) %}
        {% endif %}
        {% do publication.update({'relation': _publication_table()}) %}
        {% do log('Finishing the publication that run ' ~ publication.publication ~ ' has left.', info=true) %}
        {% do run_query('rename table ' ~ target.schema ~ '.' ~ table['name'] ~ ' to ' ~ publication.relation) %}
        {# From now on its statements fail; one that has just begun does not. #}
        {% do run_query('kill query where ' ~ is_statement_of(table['name'][-8:]) ~ ' sync') %}
        {% do require_run_lock('run_lock') %}
        {% do replay(publication, event_log_traits()) %}
    {% endfor %}
{% endmacro %}


{#
    Stops with an error; in a hook, whose run ends with it, the locks are given back first.
    Arguments: message.
#}
{% macro stop(message) %}
    {% if model.resource_type == 'operation' %}
        {% do release_and_raise(message) %}
    {% endif %}
    {% do exceptions.raise_compiler_error(message) %}
{% endmacro %}
