{#
    Builds the events that are due in a table like the event log. From each view that the model selects from, it takes the events
    in the open windows: from where a metric is published up to the cutoff of its entity type. If this run has selected some of
    the views, only those count.

    First, the log must still hold what is published, and every table that the views read must have been landed completely, and
    late enough for the window. Otherwise the window would close too early.

    The model: a union of all events models.
    Vars: cutoff, cutoffs, settle_lag, event_log, on_conflict.
    --full-refresh changes nothing that is published, unless on_conflict is replace: then the windows begin anew, and what
    differs is replaced.
#}
{% materialization pending_events, adapter='clickhouse' %}
    {% set traits = event_log_traits() %}
    {% set views = selected_events_models(model) %}
    {% set windows = event_windows(views, publishing_anew()) %}
    {% set open = windows | selectattr('open') | list %}
    {% if not publishing_anew() %}
        {% do _require_published(traits) %}
    {% endif %}
    {% do require_landings(views, open) %}
    {% do add_meanings(windows) %}

    {% set scratch = run_table(this, 'scratch') %}
    {% do create_table_like_log(scratch, traits) %}
    {% do require_run_lock('run_lock') %}
    {% set due = views | selectattr('name', 'in', open | map(attribute='view') | list) | list %}
    {% set all_began = modules.datetime.datetime.utcnow() %}
    {% for view in due %}
        {% set began = modules.datetime.datetime.utcnow() %}
        {% do run_query(_insert_pending(scratch, view, open | selectattr('view', 'equalto', view.name) | list, traits)) %}
        {% do say_progress(began, view.name, 'select count() from ' ~ scratch ~ ' where ' ~ of_metrics(view.config.meta.metrics), 'event',
            left_to_do(all_began, loop.index, due | length, 'view')) %}
    {% endfor %}
    {% set events = query_value('select count() from ' ~ scratch) %}
    {% do put_in_place(scratch, this) %}
    {% do enter_pending('events', windows) %}

    {% call noop_statement('main', message=how_many(events, 'event'), rows_affected=events) %}{{ sql }}{% endcall %}
    {% if open %}
        {% do log('pending_events: ' ~ how_many(events, 'event') ~ ' of ' ~ how_many(open | length, 'metric') ~ ' due, from ' ~ how_many(due | length, 'view'), info=true) %}
    {% else %}
        {% do log('pending_events: nothing is due; every metric is published up to its cutoff', info=true) %}
    {% endif %}
    {% do warn_of_changed_rules(windows) %}
    {% do persist_docs(this, model) %}
    {% do return({'relations': [this.incorporate(type='table')]}) %}
{% endmaterialization %}


{# Whether published history is published anew: --full-refresh with on_conflict: replace. #}
{% macro publishing_anew() %}
    {% do return(should_full_refresh() and var('on_conflict') == 'replace') %}
{% endmacro %}


{#
    The events models that a model selects from and this run has selected; if it has selected none, all that the model selects
    from.
    Arguments: reader, the model.
    Returns: a list of nodes, by name.
#}
{% macro selected_events_models(reader) %}
    {% set read, selected = [], [] %}
    {% for node in events_models() if node.unique_id in reader.depends_on.nodes %}
        {% do read.append(node) %}
        {% if node.unique_id in selected_resources %}
            {% do selected.append(node) %}
        {% endif %}
    {% endfor %}
    {% do return(selected or read) %}
{% endmacro %}


{#
    The windows of all metrics as this run sees them. If a metric is of another view, its window has no length; nor if it is published
    and takes rows from a retired table, since the staged rows have grown by what the log holds as live events.
    Arguments: views, the events models that this run takes events from; anew, whether windows begin anew.
    Returns: a list of dicts entity_type, metric_type, view (name of its events model), start, end, rule (its text, see
    rule_texts()), published_rules and open (whether there may be events to publish).
    Raises: a compiler error if a cutoff lies before what is published.
#}
{% macro event_windows(views, anew=false) %}
    {% set published = {} %}
    {% for window in published_windows() %}
        {% do published.update({name_of(window): window}) %}
    {% endfor %}
    {% set windows = [] %}
    {% for view in events_models() %}
        {% set rules = rule_texts(view) if view in views else {} %}
        {% for metric in view.config.meta.metrics %}
            {% set name = name_of(metric) %}
            {% set former = published.get(name, {'end': beginning_of_time(), 'rules': []}) %}
            {% set cutoff = cutoff_of(metric.entity_type) %}
            {% set builds = view in views and not (name in published and retired_tables_of(view)) %}
            {% if builds and cutoff < former.end %}
                {% do exceptions.raise_compiler_error(
                    'The cutoff of ' ~ metric.entity_type ~ ' is ' ~ cutoff ~ ', but ' ~ name ~ ' is published up to ' ~ former.end
                    ~ '. A cutoff can only move forward: set it to ' ~ former.end ~ ' or later.'
                ) %}
            {% endif %}
            {% set start = beginning_of_time() if anew and builds else former.end %}
            {% set end = cutoff if builds else start %}
            {% do windows.append({
                'entity_type': metric.entity_type,
                'metric_type': metric.metric_type,
                'view': view.name,
                'start': start,
                'end': end,
                'open': start < end,
                'rule': rules.get(name, '') if builds else '',
                'published_rules': former.rules,
            }) %}
        {% endfor %}
    {% endfor %}
    {% do return(windows) %}
{% endmacro %}


{#
    Stops if the log no longer holds what the ledger says was published.
    Raises: a compiler error that names metrics, partitions and both counts.
#}
{% macro _require_published(traits) %}
    {% set published = published_windows() %}
    {% if published %}
        {% set in_log = content_of(event_log(), where_within_windows(published, traits.decimals)) %}
        {% set differences = run_query(content_differences(published_content(), in_log)).rows %}
        {% if differences %}
            {% do exceptions.raise_compiler_error(
                'The event log ' ~ var('event_log') ~ ' no longer holds what ' ~ publications() ~ ' says was published to it:\n'
                ~ describe_differences(differences, 'published', 'found')
                ~ '\nNothing was changed. Find out who wrote or deleted them. To publish the history of these metrics anew, replacing'
                ~ " what is there: dbt build --select tag:backfill --full-refresh --vars '{on_conflict: replace}' (or the tags of"
                ~ ' these entity types alone). If a reconcile has already corrected the totals, run tag:reconcile afterwards: it takes its'
                ~ ' correction back.'
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}


{#
    Creates an empty table with the log's columns, partitions and order. It is short-lived, so its parts are not merged.
    Arguments: relation; traits, of event_log_traits().
#}
{% macro create_table_like_log(relation, traits) %}
    {% set engine = as_plain_engine(traits.engine_full) %}
    {% do run_query(
        'create table ' ~ relation ~ ' as ' ~ event_log() ~ ' engine = ' ~ engine ~ (', ' if ' SETTINGS ' in engine else ' settings ')
        ~ 'min_parts_to_merge_at_once = 1000000'
    ) %}
{% endmacro %}


{# A MergeTree as one that is neither replicated nor shared. Arguments: engine_full, of system.tables. #}
{% macro as_plain_engine(engine_full) -%}
    {{- return(modules.re.sub('^(Replicated|Shared)?MergeTree([(][^)]*[)])?', 'MergeTree', engine_full)) -}}
{%- endmacro %}


{# Inserts one view's events of the open windows, in the log's types. #}
{% macro _insert_pending(scratch, view, windows, traits) %}
    insert into {{ scratch }} ({{ event_columns() }})
    select
        entityType,
        {{ as_log_type('entityId', traits.types.entityId) }} as entityId,
        {#- Negative users are the system's own. A log of unsigned users cannot hold them, so they become user 0. #}
        {{ as_log_type('greatest(userId, 0)' if traits.types.userId.startswith('UInt') else 'userId', traits.types.userId) }} as userId,
        metricType,
        {{ as_log_type('metricValue', traits.types.metricValue) }} as metricValue,
        {{ _within_log_window(windows, traits.decimals) }} as createdAt
    {#- The subquery cuts the window, because createdAt is still the event's own there. #}
    from (
        select *
        from {{ relation_named(view.name) }}
        where {{ _due_of_view(view, windows) }}
    )
    settings
        max_partitions_per_insert_block = 0,
        max_insert_threads = 2
{% endmacro %}


{#
    A number of an event in the log's type. A value that the type cannot hold is an error. ClickHouse's own error would name no
    row, but it quotes a text that is not a number: so the text names the metric and the entity.
    Arguments: value, SQL; type, of event_log_traits().
#}
{% macro as_log_type(value, type) -%}
    if(
            accurateCastOrNull({{ value }}, '{{ type }}') is null,
            accurateCast(concat(entityType, ' ', metricType, ' of entity ', toString(entityId), ' has ', toString({{ value }})), '{{ type }}'),
            accurateCast({{ value }}, '{{ type }}')
        )
{%- endmacro %}


{# The condition for a view's events to be due. Usually all of its metrics have the same window. #}
{% macro _due_of_view(view, windows) -%}
    {%- set starts = windows | map(attribute='start') | unique | list -%}
    {%- set ends = windows | map(attribute='end') | unique | list -%}
    {%- if windows | length == view.config.meta.metrics | length and starts | length == 1 and ends | length == 1 -%}
        createdAt >= {{ utc_literal(starts[0]) }} and createdAt < {{ utc_literal(ends[0]) }}
    {%- else -%}
        {{ within_windows(windows, 3) }}
    {%- endif -%}
{%- endmacro %}


{#
    createdAt as the log keeps it. An event of user 0 at the very moment of a correction would look like one; it is moved by a tick.
#}
{% macro _within_log_window(windows, decimals) -%}
    {%- set moments = moments_of_corrections(windows) -%}
    {%- set kept, tick = _before_cutoffs(windows, decimals), 'interval ' ~ 10 ** (3 - decimals) ~ ' millisecond' -%}
    {%- for moment in moments %}
        if(userId <= 0 and createdAt >= {{ utc_literal(moment) }} and createdAt < {{ utc_literal(moment) }} + {{ tick }}, {{ utc_literal(moment) }} - {{ tick }},
    {%- endfor %}
        {{ kept }}{{ ')' * moments | length }}
{%- endmacro %}


{#
    createdAt before the cutoffs, as the log keeps it. If the log drops digits that the cutoff has, an event of the cutoff's own
    second would look like a live one; it is moved to the log's last tick before the cutoff.
#}
{% macro _before_cutoffs(windows, decimals) -%}
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
    Swaps a table of this run with a model's table, in one step, and drops the old one.
    Arguments: scratch, the table of this run; relation, the model's.
#}
{% macro put_in_place(scratch, relation) %}
    {% do run_query('create table if not exists ' ~ relation ~ ' as ' ~ scratch) %}
    {% do run_query('exchange tables ' ~ scratch ~ ' and ' ~ relation) %}
    {% do run_query('drop table ' ~ scratch ~ ' sync') %}
{% endmacro %}
