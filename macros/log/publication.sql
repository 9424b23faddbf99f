{#
    Publishes what this run has built and audited to the event log, exactly once, by a redo log:

    1. The pending table is compared with what the log holds in the same windows. If that is nothing, the table is due; if it is
       the same events, they count as published; anything else is a conflict, which the var on_conflict decides.
       Of a Distributed log nothing is deleted: there, replace names the statement that a person runs on each shard.
    2. The table is cloned, without copying, to publication_<run>. A publication with that name is complete. Its comment says
       what it is for; the ledger lists the events that it holds (intended).
    3. The publication is replayed: what the log lacks of it is attached in one statement (or inserted), the log is compared with
       the ledger, the ledger records the windows as published, and the publication is dropped.
    4. A run that finds a dead run's publication takes it over and replays it. This is the whole of recovery.

    What remains is a view: everything published of that kind. The model is the select of that view.

    Config: kind, events or corrections: which pending table is published.
    Vars: event_log, on_conflict, log_views; for corrections: reconcile_limit, reconcile_dry_run.
    Raises: a compiler error if this run has not built the pending table, if there is a conflict and on_conflict is fail (entity
    types without conflict are published first), or if the log does not hold what was published.
#}
{% materialization publication, adapter='clickhouse' %}
    {% set kind = config.require('kind') %}
    {% set pending = api.Relation.create(schema=this.schema, identifier='pending_' ~ kind, type='table') %}
    {% do _require_built_in_this_run(pending) %}
    {% set windows = windows_of_publication(kind, invocation_id, 'pending') %}
    {% if kind == 'corrections' and not confirmed_corrections(pending, windows) %}
        {% set windows = [] %}
    {% endif %}
    {% set traits = event_log_traits() %}
    {% set resolved = _resolve_conflicts(kind, pending, windows, traits) %}
    {% if resolved.windows %}
        {% do _replay(_complete_publication(kind, pending, resolved, traits), traits) %}
    {% endif %}

    {% call statement('main') %}
        create or replace view {{ this }} as
        {{ sql }}
    {% endcall %}
    {% do persist_docs(this, model) %}
    {% if resolved.conflicts %}
        {% do _raise_conflicts(resolved.conflicts, windows, traits) %}
    {% endif %}
    {% do return({'relations': [this.incorporate(type='view')]}) %}
{% endmaterialization %}


{# What an earlier run has built may be out of date, or refused by the audit. #}
{% macro _require_built_in_this_run(pending) %}
    {% if 'model.' ~ project_name ~ '.' ~ pending.identifier not in selected_resources %}
        {% do exceptions.raise_compiler_error(
            this.identifier ~ ' publishes only what the same run has built and audited, but this run leaves out ' ~ pending.identifier
            ~ '. Nothing was published. Select both, as in dbt build --select tag:'
            ~ ('backfill' if pending.identifier == 'pending_events' else 'reconcile') ~ '; not as dbt retry.'
        ) %}
    {% endif %}
{% endmacro %}


{#
    Compares what is pending with what the log holds in the same windows, and decides what becomes of conflicts.
    Returns: a dict of
        windows     those to be published
        left_out    the condition for pending events that are not published
        kept        the condition for events of the log that stay and count as published
        replaced    rows of side_by_side(): the log's events of these are deleted
        conflicts   rows of side_by_side(): they end the run with an error once the rest is published
#}
{% macro _resolve_conflicts(kind, pending, windows, traits) %}
    {% set resolved = {'windows': windows, 'left_out': '', 'kept': '', 'replaced': [], 'conflicts': []} %}
    {% set filter = where_within_windows(windows, traits.decimals) %}
    {# The usual case costs one look, which reads only the filter's columns. #}
    {% if kind == 'corrections' or not windows or query_value('select count() from ' ~ event_log() ~ ' ' ~ filter) == 0 %}
        {% do return(resolved) %}
    {% endif %}
    {% set conflicts = run_query(
        'select * from (' ~ side_by_side(content_of(pending), content_of(event_log(), filter)) ~ ') where differs and found_rows > 0'
        ~ ' order by entity_type, metric_type, partition_id'
    ).rows %}
    {% if conflicts and var('on_conflict') == 'fail' %}
        {% set types = conflicts | map(attribute='entity_type') | unique | list %}
        {% do resolved.update({
            'windows': windows | rejectattr('entity_type', 'in', types) | list,
            'left_out': "entityType in ('" ~ types | join("', '") ~ "')",
            'conflicts': conflicts
        }) %}
    {% elif conflicts and var('on_conflict') == 'replace' and traits.shards %}
        {% do exceptions.raise_compiler_error(
            'The event log ' ~ var('event_log') ~ ' already holds other events of these metrics before the cutoff:\n'
            ~ describe_differences(conflicts, 'this run would publish', 'the log holds')
            ~ '\nNothing was published. ' ~ _way_to_replace(conflicts, windows, traits)
        ) %}
    {% elif conflicts %}
        {% do log('published_events: on_conflict is ' ~ var('on_conflict') ~ ' for\n'
            ~ describe_differences(conflicts, 'this run publishes', 'the log held'), info=true) %}
        {% if var('on_conflict') == 'skip' %}
            {% do resolved.update({'left_out': _are_parts(conflicts), 'kept': _are_parts(conflicts)}) %}
            {% do exceptions.warn('The events that the log keeps in these partitions were not audited. dbt test compares them.') %}
        {% else %}
            {% do resolved.update({'replaced': conflicts}) %}
        {% endif %}
    {% endif %}
    {% do return(resolved) %}
{% endmacro %}


{# The condition for events to be of the metrics and partitions of rows of side_by_side(). #}
{% macro _are_parts(rows) -%}
    (entityType, metricType, _partition_id) in (
        {%- for row in rows %}('{{ row['entity_type'] }}', '{{ row['metric_type'] }}', '{{ row['partition_id'] }}'){{ ', ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}


{% macro _raise_conflicts(conflicts, windows, traits) %}
    {% do exceptions.raise_compiler_error(
        'The event log ' ~ var('event_log') ~ ' already holds other events of these metrics before the cutoff:\n'
        ~ describe_differences(conflicts, 'this run would publish', 'the log holds')
        ~ '\nOf their entity types nothing was changed; what is due of others is published. '
        ~ (_way_to_replace(conflicts, windows, traits) if traits.shards else
            "Choose with --vars '{on_conflict: replace}' (delete exactly those events, publish this run's) or '{on_conflict: skip}' (keep"
            ~ ' those, publish nothing of these metrics in these partitions).')
    ) %}
{% endmacro %}


{# What a person does about conflicts in a Distributed log. #}
{% macro _way_to_replace(conflicts, windows, traits) -%}
    {{- return(
        "With --vars '{on_conflict: skip}' the log keeps those, and nothing of these metrics is published in these partitions. To replace"
        ~ ' them, run this on each shard, then the same command again:\n' ~ delete_on_each_shard(
            of_windows(windows, traits.decimals) ~ ' and ' ~ _are_parts(conflicts), traits
        )
    ) -}}
{%- endmacro %}


{#
    Makes the publication. Once it is complete, a later run finishes it if this one dies.
    Returns: a dict of relation, event_log, kind, publication (the run that built it), replace (whether other events of the log
    are deleted) and how (attached or inserted).
#}
{% macro _complete_publication(kind, pending, resolved, traits) %}
    {% set incomplete = run_table(api.Relation.create(schema=this.schema, identifier='publication'), 'incomplete') %}
    {% set purpose = {
        'event_log': var('event_log'),
        'kind': kind,
        'publication': invocation_id,
        'replace': resolved.replaced != [],
        'how': 'inserted' if traits.shards or traits.views and var('log_views') == 'feed' else 'attached'
    } %}
    {% do run_query('create table ' ~ incomplete ~ ' clone as ' ~ pending ~ " comment '" ~ tojson(purpose) ~ "'") %}
    {% do require_run_lock('run_lock') %}
    {% if resolved.left_out %}
        {% do run_query('alter table ' ~ incomplete ~ ' delete where ' ~ resolved.left_out ~ ' settings mutations_sync = 2') %}
    {% endif %}
    {% do run_query(_enter_intended(kind, incomplete, resolved, traits)) %}
    {% do run_query('rename table ' ~ incomplete ~ ' to ' ~ _publication_table()) %}
    {% do return(dict(purpose, relation=_publication_table())) %}
{% endmacro %}


{# The name of a complete publication while this run works on it. #}
{% macro _publication_table() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='publication_' ~ invocation_id[:8], type='table')) %}
{% endmacro %}


{#
    Enters what the log must hold after the replay: the publication's events, and those of the log that stay. One row a partition,
    and one for the whole window. The window of a metric without events stays open, since a source that is empty today may not
    have been filled yet; unless the metric is published anew, or other events are replaced and nothing is left of it.
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
        content.partition_id as partition_id, -- empty in the second grouping set
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
            and {{ of_metrics(resolved.windows, 'entity_type', 'metric_type') }}
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
        {%- if resolved.replaced %}
        or {{ of_metrics(resolved.replaced, 'pending.entity_type', 'pending.metric_type') }}
        {%- endif %}
        or pending.window_start = {{ utc_literal(beginning_of_time()) }}
        and (pending.entity_type, pending.metric_type) in (select (entity_type, metric_type) from ({{ published_metrics() }}))
{% endmacro %}


{#
    Brings the log to hold a publication, whatever it holds of it already: equal events are done, absent ones are attached, and
    where some are there, the others are added. Records the publication in the ledger, and drops it.
    Arguments: publication, of _complete_publication(); traits, of event_log_traits().
    Raises: a compiler error if the log does not hold what was published.
#}
{% macro _replay(publication, traits) %}
    {% set began = modules.datetime.datetime.utcnow() %}
    {% set relation, kind = publication.relation, publication.kind %}
    {% set windows = windows_of_publication(kind, publication.publication, 'intended') %}
    {% if not windows %}
        {# None of its metrics has an event, so their windows stay open. #}
        {% do run_query('drop table ' ~ relation ~ ' sync') %}
        {% do log('published_' ~ kind ~ ': nothing to publish', info=true) %}
        {% do return(none) %}
    {% endif %}
    {% set filter = corrections_of(relation, windows) if kind == 'corrections' else where_within_windows(windows, traits.decimals) %}
    {% set events = _require_all_intended(publication) %}
    {% if traits.shards %}
        {% do wait_for_inserts_on_shards(publication, traits) %}
    {% endif %}
    {% if query_value('select count() from ' ~ event_log() ~ ' ' ~ filter) == 0 %}
        {% do _write(publication) %}
    {% else %}
        {% do _write_rest(publication, filter, of_windows(windows, traits.decimals)) %}
    {% endif %}

    {% set differences = run_query(content_differences(_intended_content(publication), content_of(event_log(), filter))).rows %}
    {% if differences %}
        {% do stop(
            'The event log ' ~ var('event_log') ~ ' does not hold what was just published to it:\n' ~ describe_differences(differences, 'published', 'found')
            ~ '\nThe ledger does not record it as published; the next run looks again. Something else writes or deletes events of these'
            ~ ' metrics before the cutoff.'
        ) %}
    {% endif %}
    {% do run_query(_enter_published(publication)) %}
    {% do log('published_' ~ kind ~ ': ' ~ how_many(events, 'event') ~ ' of ' ~ how_many(windows | length, 'metric') ~ ' published (' ~ publication.how ~ ')', info=true) %}
    {% do say_progress(began, 'published_' ~ kind, events, 'event') %}
    {% if traits.views and publication.how == 'attached' %}
        {% do log(_fill_views_sql(windows, traits), info=true) %}
    {% endif %}
    {% do run_query('drop table ' ~ relation ~ ' sync') %}
{% endmacro %}


{#
    Writes events of a publication to the log. Attaching copies nothing and is one step for readers, but bypasses materialized
    views.
    Arguments: publication; partitions, ids; none: all partitions.
#}
{% macro _write(publication, partitions=none) %}
    {% if publication.how == 'inserted' %}
        {% do run_query(
            'insert into ' ~ event_log() ~ ' (' ~ event_columns() ~ ') select ' ~ event_columns() ~ ' from ' ~ publication.relation
            ~ (" where _partition_id in ('" ~ partitions | join("', '") ~ "')" if partitions) ~ _insert_settings(publication)
        ) %}
    {% else %}
        {% set steps = [] %}
        {% for id in partitions or [] %}
            {% do steps.append("attach partition id '" ~ id ~ "' from " ~ publication.relation) %}
        {% endfor %}
        {% do run_query('alter table ' ~ event_log() ~ ' ' ~ (steps | join(', ') or 'attach partition all from ' ~ publication.relation)) %}
    {% endif %}
{% endmacro %}


{# An insert into a Distributed log ends when the shards have written its events, and they know which publication it is of. #}
{% macro _insert_settings(publication) -%}
    {{- return(
        ' settings max_partitions_per_insert_block = 0, insert_deduplicate = 0, distributed_foreground_insert = 1,'
        ~ " parallel_distributed_insert_select = 0, async_insert = 0, log_comment = '" ~ mark_of_insert(publication) ~ "'"
    ) -}}
{%- endmacro %}


{#
    Writes to the log what it lacks of a publication that it holds in part.
    Arguments: publication; filter, for the log's events to be the publication's; condition, for them to lie in its windows.
#}
{% macro _write_rest(publication, filter, condition) %}
    {% set relation = publication.relation %}
    {% set parts = run_query(side_by_side(content_of(relation), content_of(event_log(), filter))).rows %}
    {% set other = parts | selectattr('differs') | selectattr('found_rows', 'gt', 0) | list %}
    {% if publication.replace and other %}
        {# The statement names the publication, so it fails if the run has lost its lock. Once begun, it reads the publication no more. #}
        {% do run_query(
            'delete from ' ~ event_log() ~ ' where ' ~ condition ~ ' and ' ~ _are_parts(other)
            ~ ' and (select count() from ' ~ relation ~ ') >= 0 settings mutations_execute_subqueries_on_initiator = 1'
        ) %}
        {% set other = [] %}
    {% endif %}

    {# Partitions of which the log holds nothing are attached as a whole; to others, single events are added. #}
    {% set absent, partial = [], [] %}
    {% for id, expected in parts | selectattr('expected_rows', 'gt', 0) | groupby('partition_id') if expected | selectattr('differs') | list %}
        {% set held = expected | rejectattr('differs') | list + other | selectattr('partition_id', 'eq', id) | selectattr('expected_rows', 'gt', 0) | list %}
        {% do (partial if held else absent).append(id) %}
    {% endfor %}
    {% if partial and query_value(_foreign_rows(relation, filter, partial)) > 0 %}
        {% do stop(
            'The event log ' ~ var('event_log') ~ ' holds a part of a publication, and other events among it:\n'
            ~ describe_differences(other, 'to be published', 'the log holds') ~ '\nNothing was changed. Find out who wrote them, and delete them.'
        ) %}
    {% endif %}
    {% if absent %}
        {% do _write(publication, absent) %}
    {% endif %}
    {% if partial %}
        {% do run_query(_insert_rest(publication, filter, partial)) %}
    {% endif %}
{% endmacro %}


{# How many of the log's events, duplicates included, are not the publication's in the partitions of both. #}
{% macro _foreign_rows(relation, filter, partitions) %}
    select count()
    from (
        select {{ event_columns() }}, count() as held
        from {{ event_log() }}
        {{ filter }} and _partition_id in ('{{ partitions | join("', '") }}')
            and (entityType, metricType, _partition_id) global in (select entityType, metricType, _partition_id from {{ relation }})
        group by {{ event_columns() }}
    ) as log
    left join (
        select {{ event_columns() }}, count() as wanted
        from {{ relation }}
        group by {{ event_columns() }}
    ) as ours using ({{ event_columns() }})
    where held > wanted
{% endmacro %}


{# Inserts the publication's events that the log lacks; of duplicates, as many as are missing. #}
{% macro _insert_rest(publication, filter, partitions) %}
    insert into {{ event_log() }} ({{ event_columns() }})
    select {{ event_columns() }}
    from (
        select
            {{ event_columns() }},
            row_number() over (partition by {{ event_columns() }}) as copy
        from {{ publication.relation }}
        where _partition_id in ('{{ partitions | join("', '") }}')
    ) as ours
    left join (
        select {{ event_columns() }}, count() as held
        from {{ event_log() }}
        {{ filter }}
        group by {{ event_columns() }}
    ) as log using ({{ event_columns() }})
    where copy > held
    {{ _insert_settings(publication) }}
{% endmacro %}


{#
    Stops if the publication holds events that the ledger does not list: no comparison could find them in the log.
    Returns: how many events the ledger lists.
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
        {{ of_ledger(publication.kind) }}
        and state = 'intended'
        and publication = '{{ publication.publication }}'
        and partition_id != ''
{% endmacro %}


{# One insert closes all windows at once. It fails if another run has taken the publication over. #}
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
            {{ of_ledger(publication.kind) }}
            and state = 'intended'
            and publication = '{{ publication.publication }}'
            -- not twice: a run may have died between this entry and the drop of the publication
            and publication not in (
                select publication
                from {{ publications() }}
                where {{ of_ledger(publication.kind) }} and state = 'published'
            )
            and (select count() from {{ publication.relation }}) >= 0
    )
{% endmacro %}


{#
    The SQL that fills materialized views with what was attached past them, for people to run.
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
    Replays the complete publications of dead runs. Only the run that has just got the lock may call it.
    Raises: a compiler error if a publication is for another log than this run's.
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
        {# The dead run's statements fail from now on, but one that has just begun does not. #}
        {% do run_query('kill query where ' ~ is_statement_of(table['name'][-8:]) ~ ' sync') %}
        {% do require_run_lock('run_lock') %}
        {% do _replay(publication, event_log_traits()) %}
    {% endfor %}
{% endmacro %}
