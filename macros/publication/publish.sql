{#
    Makes sure that the event log still holds what the ledger says was published.
    Arguments: windows, of publication_windows(); traits, of event_log_traits(); lock.
    Returns: how many events that is.
    Raises: a compiler error that names metrics, partitions and both counts.
#}
{% macro verify_published(windows, traits, lock) %}
    {% set published = windows | selectattr('published_until') | list %}
    {% if not published %}
        {% do return(0) %}
    {% endif %}
    {% set in_log = content_of(event_log(), where_within_windows(published, traits.decimals, 'published_until', from_start=true)) %}
    {% set metrics = prove_content(published_content(published), in_log, 'published',
        'no longer holds what ' ~ publications() ~ ' says was published to it',
        'Nothing was changed. Find out who wrote or deleted them; to publish the history of this model anew, replacing'
        ~ " what is there, run it with --full-refresh --vars '{on_conflict: replace}'; where reconcile has made up for it already,"
        ~ ' add --select tag:reconcile, so that its corrections are set off.',
        lock
    ) %}
    {% do return(metrics | map(attribute='expected_rows') | sum) %}
{% endmacro %}


{#
    The model's events of the pending windows, in a table like the log: same columns, partitions and order.
    An event that the log's types cannot hold is an error here, not a wrapped number there.
#}
{% macro build_clone(clone, windows, traits, sql) %}
    {% do create_clone(clone) %}
    {% do run_query(_fill_clone(clone, windows, traits, sql)) %}
{% endmacro %}


{# An empty table like the log. It is short-lived: merging its parts would be work for nothing. #}
{% macro create_clone(clone) %}
    {% do run_query('create table ' ~ clone ~ ' as ' ~ event_log() ~ ' settings min_parts_to_merge_at_once = 1000000') %}
{% endmacro %}


{% macro _fill_clone(clone, windows, traits, sql) %}
    insert into {{ clone }} ({{ event_columns() }})
    select
        entityType,
        accurateCast(entityId, '{{ traits.types.entityId }}') as entityId,
        {#- A log of unsigned users cannot name the negative ones, which are the system's own: nobody's. #}
        accurateCast({{ 'greatest(userId, 0)' if traits.types.userId.startswith('UInt') else 'userId' }}, '{{ traits.types.userId }}') as userId,
        metricType,
        accurateCast(metricValue, '{{ traits.types.metricValue }}') as metricValue,
        {{ _within_log_window(windows, traits.decimals) }} as createdAt
    {#- The window is cut below, where createdAt is still the event's own and not what the log makes of it. #}
    from (
        select *
        from (
            {{ sql | indent(12) }}
        )
        where {{ _pending_of_model(windows) }}
    )
    settings
        max_partitions_per_insert_block = 0,
        max_insert_threads = 2
{% endmacro %}


{# The condition for a model's events to belong to the pending windows; the usual case is that all metrics have the same. #}
{% macro _pending_of_model(windows) -%}
    {%- set spans = windows | map(attribute='start') | unique | list + windows | map(attribute='end') | unique | list -%}
    {%- if windows | length == config.get('meta').metrics | length and spans | length == 2 -%}
        createdAt >= {{ utc_literal(spans[0]) }} and createdAt < {{ utc_literal(spans[1]) }}
    {%- else -%}
        {{ within_windows(windows, 3) }}
    {%- endif -%}
{%- endmacro %}


{#
    createdAt as the log keeps it. Where the log drops digits that the cutoff has, an event of the cutoff's own
    second would look like a live one: it is moved to the log's last tick before the cutoff.
#}
{% macro _within_log_window(windows, decimals) -%}
    {%- if decimals < 3 -%}
        {%- set ends = {} -%}
        {%- for window in windows -%}
            {%- do ends.update({window.entity_type: truncated(window.end, decimals)}) -%}
        {%- endfor -%}
        multiIf(
            {%- for entity_type, end in ends.items() %}
            entityType = '{{ entity_type }}', least(createdAt, {{ utc_literal(end) }} - interval {{ 10 ** (3 - decimals) }} millisecond),
            {%- endfor %}
            createdAt
        )
    {%- else -%}
        createdAt
    {%- endif -%}
{%- endmacro %}


{#
    Compares the clone with what the log already holds in the pending windows, and leaves in the clone only what
    is to be written. What a dead run of ours wrote before it could note so is taken as published. Anything else
    that the log holds is a conflict, which the var on_conflict decides.
    Returns: a dict of kept (conditions for the log's events that stay and count as published), partial (true where a
    dead run's insert is to be completed; publish mode insert only) and events (how many are left in the clone).
    Raises: a compiler error at a conflict with on_conflict: fail; nothing is changed then.
#}
{% macro resolve_conflicts(clone, windows, traits, mode, lock) %}
    {# The usual case costs one look that reads no more than the filter's columns. #}
    {% set counts = run_query(
        'select count() as held, (select count() from ' ~ clone ~ ') as built'
        ~ ' from ' ~ event_log() ~ ' ' ~ where_within_windows(windows, traits.decimals)
    ).rows[0] %}
    {% if counts['held'] == 0 %}
        {% do return({'kept': [], 'partial': false, 'events': counts['built']}) %}
    {% endif %}
    {% set held = run_query(_held_by_log(clone, windows, traits, mode)) %}
    {% set by_verdict = {'ours': [], 'partial': [], 'conflict': []} %}
    {% for row in held %}
        {% do by_verdict[row['verdict']].append(row) %}
    {% endfor %}

    {% if by_verdict.partial and run_query(_foreign_rows(clone, windows, traits)).rows[0][0] > 0 %}
        {% do by_verdict.update({'conflict': by_verdict.conflict + by_verdict.partial, 'partial': []}) %}
    {% endif %}

    {% set kept = by_verdict.ours %}
    {% if by_verdict.conflict %}
        {% if var('on_conflict') == 'fail' %}
            {% do release_and_raise(lock,
                'The event log ' ~ var('event_log') ~ ' already holds other events of these metrics before the cutoff:\n'
                ~ describe_differences(by_verdict.conflict, 'this run would publish', 'the log holds')
                ~ "\nNothing was changed. Choose with --vars '{on_conflict: replace}' (delete exactly those events, publish this"
                ~ " run's) or '{on_conflict: skip}' (keep those, publish nothing of these metrics in these partitions)."
            ) %}
        {% elif var('on_conflict') == 'skip' %}
            {% set kept = kept + by_verdict.conflict %}
        {% else %}
            {# Unlike what is written from a clone, this could still be done by a run that has lost its lock. #}
            {% do renew_run_lock(lock, always=true) %}
            {% do run_query(
                'delete from ' ~ event_log() ~ ' where ' ~ within_windows(windows, traits.decimals)
                ~ ' and (' ~ by_verdict.conflict | map(attribute='is_part') | join(' or ') ~ ')'
            ) %}
        {% endif %}
        {% do log(
            model.name ~ ': on_conflict is ' ~ var('on_conflict') ~ ' for\n'
            ~ describe_differences(by_verdict.conflict, 'this run publishes', 'the log held'),
            info=true
        ) %}
    {% endif %}
    {% set kept = kept | map(attribute='is_part') | list %}
    {% if kept %}
        {% do run_query('alter table ' ~ clone ~ ' delete where ' ~ kept | join(' or ') ~ ' settings mutations_sync = 2') %}
    {% endif %}
    {% set events = run_query('select count() from ' ~ clone).rows[0][0] if kept else counts['built'] %}
    {% do return({'kept': kept, 'partial': by_verdict.partial | length > 0, 'events': events}) %}
{% endmacro %}


{#
    Metrics and partitions of which the log holds events in the pending windows, each with a verdict: ours
    (a dead run's, or just what this run would write), partial (a dead run's insert, cut off), or conflict.
#}
{% macro _held_by_log(clone, windows, traits, mode) %}
    with intended as (
        select
            entity_type,
            metric_type,
            partition_id,
            groupUniqArray((rows, value_sum, hash)) as contents
        from {{ publications() }} as intentions
        inner join {{ _windows_table(windows) }} as windows using (entity_type, metric_type, window_start, window_end)
        left join (
            select
                entity_type,
                metric_type,
                max(at) as published_at
            from {{ publications() }}
            where
                event_log = '{{ var("event_log") }}'
                and state = 'published'
            group by
                entity_type,
                metric_type
        ) as published using (entity_type, metric_type)
        where
            event_log = '{{ var("event_log") }}'
            and state = 'intended'
            -- older ones are history: what they intended was published, and may be what is to be replaced
            and at > published_at
        group by
            entity_type,
            metric_type,
            partition_id
    )

    select
        entity_type,
        metric_type,
        partition_id,
        ours.rows as expected_rows,
        ours.value_sum as expected_sum,
        held.rows as found_rows,
        held.value_sum as found_sum,
        multiIf(
            (held.rows, held.value_sum, held.hash) = (ours.rows, ours.value_sum, ours.hash), 'ours',
            has(intended.contents, (held.rows, held.value_sum, held.hash)), 'ours',
            '{{ mode }}' = 'insert' and notEmpty(intended.contents) and held.rows < ours.rows, 'partial',
            'conflict'
        ) as verdict,
        '(entityType = ''' || entity_type || ''' and metricType = ''' || metric_type || ''' and _partition_id = ''' || partition_id || ''')' as is_part
    from ({{ content_of(event_log(), where_within_windows(windows, traits.decimals)) }}) as held
    left join ({{ content_of(clone) }}) as ours using (entity_type, metric_type, partition_id)
    left join intended using (entity_type, metric_type, partition_id)
    order by
        entity_type,
        metric_type,
        partition_id
{% endmacro %}


{# How many of the log's events in the pending windows are not the clone's, counting duplicates. #}
{% macro _foreign_rows(clone, windows, traits) %}
    select count()
    from (
        select {{ event_columns() }}, count() as held
        from {{ event_log() }}
        {{ where_within_windows(windows, traits.decimals) }}
        group by {{ event_columns() }}
    ) as log
    left join (
        select {{ event_columns() }}, count() as wanted
        from {{ clone }}
        group by {{ event_columns() }}
    ) as ours using ({{ event_columns() }})
    where held > wanted
{% endmacro %}


{#
    Puts the clone's events into the log and enters them in the ledger: first the intention, then the events,
    then, once they are seen there, that they are published. Whatever dies in between, the next run can tell.
    Arguments: resolved, of resolve_conflicts(); for the others see there.
    Returns: a dict of events (how many were written) and metrics (of how many the window is closed).
    Raises: a compiler error where the log does not hold afterwards what was written.
#}
{% macro publish(clone, windows, traits, mode, resolved, lock) %}
    {% do run_query(_enter_intentions(clone, windows, traits, resolved.kept)) %}
    {% do renew_run_lock(lock) %}
    {% if resolved.events > 0 %}
        {% do write_clone(clone, mode, _not_yet_inserted(clone, windows, traits) if resolved.partial else none) %}
    {% endif %}

    {% set in_log = content_of(event_log(), where_within_windows(windows, traits.decimals)) %}
    {% set metrics = prove_content(_intended_content(), in_log, 'published',
        'does not hold what was just published to it',
        'The publication is not entered as done. Something else writes or deletes events of these metrics before the cutoff.',
        lock
    ) %}
    {% do run_query(_enter_publications(clone, windows)) %}
    {% do return({'events': resolved.events, 'metrics': metrics | length}) %}
{% endmacro %}


{#
    Puts a clone's events into the log. Attaching is one step for all of its partitions; inserting goes through
    materialized views, as attaching does not.
    Arguments: clone; mode, of publish_mode(); selected, a query of the events to insert where these are not all of the
    clone's.
#}
{% macro write_clone(clone, mode, selected=none) %}
    {% if mode == 'attach' %}
        {% do run_query('alter table ' ~ event_log() ~ ' attach partition all from ' ~ clone) %}
    {% else %}
        {% do run_query(
            'insert into ' ~ event_log() ~ ' (' ~ event_columns() ~ ') '
            ~ (selected or 'select ' ~ event_columns() ~ ' from ' ~ clone)
            ~ ' settings max_partitions_per_insert_block = 0, insert_deduplicate = 0'
        ) %}
    {% endif %}
{% endmacro %}


{# The clone's events without those that a dead run has inserted. #}
{% macro _not_yet_inserted(clone, windows, traits) %}
    select {{ event_columns() }}
    from (
        select
            {{ event_columns() }},
            row_number() over (partition by {{ event_columns() }}) as copy
        from {{ clone }}
    ) as ours
    left join (
        select {{ event_columns() }}, count() as held
        from {{ event_log() }}
        {{ where_within_windows(windows, traits.decimals) }}
        group by {{ event_columns() }}
    ) as log using ({{ event_columns() }})
    where copy > held
{% endmacro %}


{# The clone's events, and those of the log that stay. #}
{% macro _enter_intentions(clone, windows, traits, kept) %}
    insert into {{ publications() }} ({{ _ledger_columns() }})
    select
        {{ _ledger_values('intended', clone) }}
    from (
        {{ content_of(clone) }}
        {%- if kept %}
        union all
        {{ content_of(event_log(), where_within_windows(windows, traits.decimals) ~ ' and (' ~ kept | join(' or ') ~ ')') }}
        {%- endif %}
    ) as content
    inner join {{ _windows_table(windows) }} as windows using (entity_type, metric_type)
{% endmacro %}


{#
    One insert, so that a window is closed together with the partitions that it consists of: what was intended, and a
    closing row for each metric. The window of a metric without any event stays open: a source that is empty today may
    be one that was not filled yet.
#}
{% macro _enter_publications(clone, windows) %}
    {% set again = windows | selectattr('published_until') | selectattr('start', 'equalto', beginning_of_time()) | list %}
    insert into {{ publications() }} ({{ _ledger_columns() }})
    select
        {{ _ledger_values('published', clone) }}
    from (
        select
            entity_type,
            metric_type,
            window_start,
            window_end,
            partition_id, -- empty in the second of the sets
            sum(rows) as rows,
            sum(value_sum) as value_sum,
            sum(hash) as hash
        from ({{ _intended_content() }})
        group by
            grouping sets (
                (entity_type, metric_type, window_start, window_end, partition_id),
                (entity_type, metric_type, window_start, window_end)
            )
        {%- if again %}
        union all
        -- published anew, and nothing is left of it
        select
            entity_type,
            metric_type,
            window_start,
            window_end,
            '' as partition_id,
            0 as rows,
            0 as value_sum,
            0 as hash
        from {{ _windows_table(again) }}
        where (entity_type, metric_type) not in (select entity_type, metric_type from ({{ _intended_content() }}))
        {%- endif %}
    ) as content
    -- true as long as the clone is there: a run that has taken over has dropped it, and enters them itself
    where (select count() from {{ clone }}) >= 0
{% endmacro %}


{% macro _ledger_columns() -%}
    event_log, model, entity_type, metric_type, window_start, window_end, partition_id, state, rows, value_sum, hash, clone, invocation_id, at
{%- endmacro %}


{% macro _ledger_values(state, clone) -%}
        '{{ var("event_log") }}' as event_log,
        '{{ model.name }}' as model,
        entity_type,
        metric_type,
        window_start,
        window_end,
        partition_id,
        '{{ state }}' as state,
        content.rows as rows,
        content.value_sum as value_sum,
        content.hash as hash,
        '{{ clone.identifier }}' as clone,
        '{{ invocation_id }}' as invocation_id,
        now64(3, 'UTC') as at
{%- endmacro %}


{# Windows as a table: entity_type, metric_type, window_start, window_end. #}
{% macro _windows_table(windows) -%}
    (
        select
            entity_type,
            metric_type,
            toDateTime64(starts, 3, 'UTC') as window_start,
            toDateTime64(ends, 3, 'UTC') as window_end
        from values(
            'entity_type String, metric_type String, starts String, ends String',
            {%- for window in windows %}
            ('{{ window.entity_type }}', '{{ window.metric_type }}', '{{ window.start }}', '{{ window.end }}'){{ ',' if not loop.last }}
            {%- endfor %}
        )
    )
{%- endmacro %}
