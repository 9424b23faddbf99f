{#
    Builds the corrections that bring the log to the present truth. For each entity and metric whose events do not add up to what
    the events models now make of the source, that is one event of user 0 with the difference, at the moment of the run. Source
    rows younger than settle_lag, and entities with events as young, are left to the next run. Corrections in the log count
    as events, so nothing is corrected twice. Events that the backfill has yet to publish are no reason for a correction.

    If this run has selected some of the views, only those count. A view that takes rows from a retired table never does: its staged
    rows lack what the log has got since.

    The model: a union of all events models.
    Vars: settle_lag, live_events.
    Raises: a compiler error if the log cannot hold negative values, the sources are not landed in the same run, or, without live
    events, a metric is not published up to the cutoff.
#}
{% materialization pending_corrections, adapter='clickhouse' %}
    {% set scratch = run_table(this, 'scratch') %}
    {% set traits = event_log_traits() %}
    {% do create_table_like_log(scratch, traits) %}
    {% do require_run_lock('run_lock') %}
    {% set windows = [] %}
    {% if reconciling() %}
        {% set views = [] %}
        {% for view in selected_events_models(model) if not retired_tables_of(view) %}
            {% do views.append(view) %}
        {% endfor %}
        {% if metrics_of_the_log_alone() %}
            {% do log(said_of_the_log_alone() ~ '; they are not corrected', info=true) %}
        {% endif %}
        {% do _require_signed_values(traits) %}
        {% do _require_landing(views) %}
        {% set moment = _moment_of_run(traits) %}
        {% set published = event_windows(views) | selectattr('rule') | list %}
        {% do _say_what_is_unpublished(published) %}
        {% for view in views %}
            {% set began = modules.datetime.datetime.utcnow() %}
            {% set of_view = published | selectattr('view', 'equalto', view.name) | list %}
            {% set sides = [_events_of_truth(view, of_view, moment), _events_of_log(of_view, moment, traits)] %}
            {#- An eighth of all buckets a statement bounds its memory, and its length: max_query_size. #}
            {% for buckets in query_column(_differing_buckets(sides)) | batch(8192) %}
                {% do run_query(_insert_corrections(scratch, sides, buckets, moment, traits)) %}
            {% endfor %}
            {% do say_progress(
                began, view.name ~ ', compared with the log', 'select sum(of_metric.rows) from (' ~ published_content() ~ ') as of_metric where '
                ~ of_metrics(of_view, 'of_metric.entity_type', 'of_metric.metric_type'), 'published event'
            ) %}
        {% endfor %}
        {% for window in published %}
            {% do windows.append(dict(window, start=moment.settled, end=moment.at)) %}
        {% endfor %}
    {% else %}
        {% do log('pending_corrections: this run publishes history, and corrects nothing; to reconcile: dbt build --select tag:reconcile', info=true) %}
    {% endif %}
    {% set corrections = query_value('select count() from ' ~ scratch) %}
    {% do put_in_place(scratch, this) %}
    {% if windows %}
        {% do enter_pending('corrections', windows) %}
    {% endif %}

    {% call noop_statement('main', message=how_many(corrections, 'correction'), rows_affected=corrections) %}{{ sql }}{% endcall %}
    {% do persist_docs(this, model) %}
    {% do return({'relations': [this.incorporate(type='table')]}) %}
{% endmaterialization %}


{#
    Whether this run reconciles: the corrections are among the selected models, and the history is not. So a plain dbt run or dbt
    build, or a selection by entity type, corrects nothing.
#}
{% macro reconciling() %}
    {% set of_project = 'model.' ~ project_name ~ '.' %}
    {% do return(of_project ~ 'pending_corrections' in selected_resources and of_project ~ 'pending_events' not in selected_resources) %}
{% endmacro %}


{% macro _require_signed_values(traits) %}
    {% if traits.types.metricValue.startswith('UInt') %}
        {% do exceptions.raise_compiler_error(
            'The event log ' ~ var('event_log') ~ ' keeps metricValue as ' ~ traits.types.metricValue
            ~ ': it cannot hold corrections below 0. Change the column to a signed type before reconciling.'
        ) %}
    {% endif %}
{% endmacro %}


{# The truth is what this very run has landed. An older landing would take newer events for too many. #}
{% macro _require_landing(views) %}
    {% set missing = [] %}
    {% for unique_id in views | map(attribute='depends_on.nodes') | sum(start=[]) | unique | sort
        if unique_id.split('.')[-1].startswith('stg_') and unique_id not in selected_resources %}
        {% do missing.append(unique_id.split('.')[-1]) %}
    {% endfor %}
    {% if missing %}
        {% do exceptions.raise_compiler_error(
            'Metrics can only be reconciled together with the landing of their sources, but this run leaves out ' ~ missing | join(', ')
            ~ '. Nothing was corrected. Run it as dbt build --select tag:reconcile, or tag:reconcile,tag:<entity type>; not as dbt retry.'
        ) %}
    {% endif %}
{% endmacro %}


{#
    Warns of metrics that are not published up to the cutoff. Without live events that is an error: the audit of corrections could
    not tell them from what the next window brings.
#}
{% macro _say_what_is_unpublished(windows) %}
    {% set empty_until, unpublished = {}, [] %}
    {% for window in (query_dicts(_empty_windows()) if load_relation(relation_named('pending_events')) else []) %}
        {% do empty_until.update({name_of(window): window.until}) %}
    {% endfor %}
    {% for window in windows if window.open and empty_until.get(name_of(window), '') < window.end %}
        {% do unpublished.append(name_of(window)) %}
    {% endfor %}
    {% if unpublished and var('live_events') %}
        {% do exceptions.warn(
            'Not published up to the cutoff, and so not corrected there: ' ~ unpublished | join(', ') ~ '. To publish it: dbt build --select tag:backfill'
        ) %}
    {% elif unpublished %}
        {% do exceptions.raise_compiler_error(
            'Without live events, what is not published up to the cutoff cannot be reconciled: ' ~ unpublished | join(', ')
            ~ '. Nothing was corrected. Publish it first, dbt build --select tag:backfill, with the same cutoff.'
        ) %}
    {% endif %}
{% endmacro %}


{# The windows that were built and have no event, so that there is nothing to publish. #}
{% macro _empty_windows() %}
    select
        entity_type,
        metric_type,
        toString(due_until) as until
    from ({{ due_windows() }}) as due
    where (entity_type, metric_type) not in (select toString(entityType), toString(metricType) from {{ relation_named('pending_events') }})
{% endmacro %}


{#
    The moment of this run as the log can keep it, and the moment before which things have settled. The latter counts from the
    start of the run, before its first slice is landed, so the truth is never older than what it is compared with.
#}
{% macro _moment_of_run(traits) %}
    {% set now = query_value("select toString(now64(3, 'UTC'))") %}
    {% set settled = run_started_at.replace(tzinfo=none) - modules.datetime.timedelta(seconds=var('settle_lag')) %}
    {% do return({
        'at': (truncated(now, traits.decimals) ~ ('.000' if traits.decimals == 0 else '00'))[:23],
        'settled': settled.strftime('%Y-%m-%d %H:%M:%S.%f')[:23]
    }) %}
{% endmacro %}


{#
    The buckets (hash_and_bucket) in which a view's events do not add up to the truth. Each side is added up on its own, the log on its
    shards.
    Arguments: sides, _events_of_truth() and _events_of_log() of the view.
    Returns: a query of one column.
#}
{% macro _differing_buckets(sides) %}
    select bucket
    from (
        {%- for events in sides %}
        select
            bucket,
            sum(value * hash) as checksum
        from (
            {{ events | indent(12) }}
        )
        group by bucket
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    )
    group by bucket
    having sum(checksum) != 0
{% endmacro %}


{#
    One correction for each entity and metric of some buckets whose events do not add up to the truth. Each side is added up on its
    own, the log on its shards.
    Arguments: scratch, the table that gets them; sides, as in _differing_buckets(); buckets, numbers that it returned; moment, of
    _moment_of_run(); traits, of event_log_traits().
#}
{% macro _insert_corrections(scratch, sides, buckets, moment, traits) %}
    insert into {{ scratch }} ({{ event_columns() }})
    select
        entityType,
        {{ as_log_type('entityId', traits.types.entityId) }} as entityId,
        0 as userId,
        metricType,
        {{ as_log_type('missing', traits.types.metricValue) }} as metricValue,
        {{ utc_literal(moment.at) }} as createdAt
    from (
        select
            entityType,
            metricType,
            entityId,
            sum(total) as missing
        from (
            {%- for events in sides %}
            select
                entityType,
                metricType,
                entityId,
                sum(value) as total,
                countIf(is_unsettled) as unsettled
            from (
                {{ events | indent(16) }}
            )
            where bucket in ({{ buckets | join(', ') }})
            group by
                entityType,
                metricType,
                entityId
            {{ 'union all' if not loop.last }}
            {%- endfor %}
        )
        group by
            entityType,
            metricType,
            entityId
        having missing != 0 and sum(unsettled) = 0
    )
    settings max_partitions_per_insert_block = 0
{% endmacro %}


{#
    What the source makes of a view's events that have settled.
    Arguments: view, an events model; windows, of event_windows(), of the view's metrics; moment, of _moment_of_run().
    Returns: a query of entityType, metricType, entityId, value, is_unsettled, hash and bucket.
#}
{% macro _events_of_truth(view, windows, moment) %}
select
    toLowCardinality(entityType) as entityType,
    toLowCardinality(metricType) as metricType,
    toInt64(entityId) as entityId,
    toInt64(metricValue) as value,
    false as is_unsettled,
    {{ hash_and_bucket('entityType, metricType, toInt64(entityId)') }}
from {{ relation_named(view.name) }}
where
    createdAt < {{ utc_literal(moment.settled) }}
    {%- set to_come = _windows_to_come(windows) %}
    {%- if to_come %}
    -- what the backfill has yet to publish
    and not {{ within_windows(to_come, 3) }}
    {%- endif %}
{%- endmacro %}


{#
    What the log has of some metrics, to be taken off the truth. An event that has not settled has no value yet, unless it is a
    correction.
    Arguments: windows, moment, as in _events_of_truth(); traits, of event_log_traits().
    Returns: a query as _events_of_truth() does; value has the other sign.
#}
{% macro _events_of_log(windows, moment, traits) %}
select
    entityType,
    metricType,
    toInt64(entityId) as entityId,
    not (
        createdAt < {{ utc_literal(truncated(moment.settled, traits.decimals)) }}
        or {{ is_correction(correction_moments(moment.settled)) }}
    ) as is_unsettled,
    if(is_unsettled, 0, -metricValue) as value,
    {{ hash_and_bucket('entityType, metricType, toInt64(entityId)') }}
from {{ relation_named('logged_events') }}
where {{ of_metrics(windows) }}
{%- endmacro %}


{#
    Of windows of event_windows(), those that the backfill has yet to publish: up to the cutoff, or without live events all that
    comes.
#}
{% macro _windows_to_come(windows) %}
    {% if var('live_events') %}
        {% do return(windows | selectattr('open') | list) %}
    {% endif %}
    {% set to_come = [] %}
    {% for window in windows %}
        {% do to_come.append(dict(window, end='2200-01-01 00:00:00.000')) %}
    {% endfor %}
    {% do return(to_come) %}
{% endmacro %}


{#
    The moments at which the log was corrected. An event of user 0 at such a moment is a correction.
    Arguments: since, a time; none: all moments.
    Returns: a query of one column.
#}
{% macro correction_moments(since=none) -%}
    select window_end
    from {{ publications() }}
    where
        {{ whole_windows('corrections', ['intended', 'published']) }}
        {%- if since %}
        and window_end >= {{ utc_literal(since) }}
        {%- endif %}
{%- endmacro %}


{#
    The filter for the log's events to be those of a publication of corrections.
    Arguments: relation, the publication; windows, of windows_of_publication().
#}
{% macro corrections_of(relation, windows) -%}
    where userId = 0 and createdAt = {{ utc_literal(windows[0].end) }}
        and (entityType, metricType, entityId) global in (select entityType, metricType, entityId from {{ relation }})
{%- endmacro %}


{#
    Prints what is to be corrected, and says whether it may be published.
    Arguments: pending, the table of corrections; windows, of windows_of_publication().
    Vars: reconcile_limit, reconcile_dry_run.
    Returns: false if there is nothing to correct, or the run is a dry one.
    Raises: a compiler error if more entities of a type would change than reconcile_limit allows: a source that is empty, half
    read or restored from an old copy must not erase the counters.
#}
{% macro confirmed_corrections(pending, windows) %}
    {% if not windows %}
        {% do return(false) %}
    {% endif %}
    {% set found = run_query(_summed_corrections(pending)).rows %}
    {% if not found %}
        {% do log('published_corrections: nothing to correct in ' ~ how_many(windows | length, 'metric'), info=true) %}
        {% do return(false) %}
    {% endif %}
    {% if var('reconcile_dry_run') %}
        {% do log('published_corrections: dry run, nothing is written' ~ _described_corrections(found) ~ _largest_corrections(pending), info=true) %}
        {% do return(false) %}
    {% endif %}
    {% set refused = [] %}
    {% for entity_type, of_type in found | groupby('entity_type') if var('reconcile_limit') < 1 %}
        {% set changed = query_value('select uniqExact(entityId) from ' ~ pending ~ " where entityType = '" ~ entity_type ~ "'") %}
        {% set existing = query_value('select count() from ' ~ relation_named('stg_' ~ snake_case(entity_type))) %}
        {% if changed > existing * var('reconcile_limit') %}
            {% do refused.append('  - ' ~ entity_type ~ ': ' ~ changed ~ ' of ' ~ how_many(existing, 'entity') ~ ' would change') %}
        {% endif %}
    {% endfor %}
    {% if refused %}
        {% do exceptions.raise_compiler_error(
            'This run would correct more than the share of the entities that reconcile_limit allows (' ~ var('reconcile_limit') ~ '):\n'
            ~ refused | join('\n') ~ _described_corrections(found)
            ~ '\nNothing was corrected. If the source is as it should be, allow it: --vars ' ~ "'{reconcile_limit: 1}'"
            ~ '; to see the entities first: --vars ' ~ "'{reconcile_dry_run: true}'."
        ) %}
    {% endif %}
    {% do log('published_corrections: to be corrected' ~ _described_corrections(found), info=true) %}
    {% do return(true) %}
{% endmacro %}


{# How many entities are corrected in each metric, and by how much up and down. #}
{% macro _summed_corrections(pending) %}
    select
        toString(entityType) as entity_type,
        toString(metricType) as metric_type,
        count() as entities,
        sumIf(metricValue, metricValue > 0) as up,
        sumIf(metricValue, metricValue < 0) as down
    from {{ pending }}
    group by entity_type, metric_type
    order by entity_type, metric_type
{% endmacro %}


{# Corrections as text, one line a metric. Arguments: found, rows of _summed_corrections(). #}
{% macro _described_corrections(found) %}
    {% set lines = [''] %}
    {% for row in found %}
        {% do lines.append('  - ' ~ name_of(row) ~ ': ' ~ how_many(row['entities'], 'entity') ~ ' (+' ~ row['up'] ~ ', ' ~ row['down'] ~ ')') %}
    {% endfor %}
    {% do return(lines | join('\n')) %}
{% endmacro %}


{# The twenty largest corrections as text, one line each. #}
{% macro _largest_corrections(pending) %}
    {% set lines = [''] %}
    {% for row in run_query(
        'select toString(entityType), entityId, toString(metricType), metricValue from ' ~ pending ~ ' order by abs(metricValue) desc, 1, 2, 3 limit 20'
    ) %}
        {% do lines.append('    ' ~ row[0] ~ ' ' ~ row[1] ~ ' ' ~ row[2] ~ ' ' ~ ('+' if row[3] > 0) ~ row[3]) %}
    {% endfor %}
    {% do return(lines | join('\n')) %}
{% endmacro %}
