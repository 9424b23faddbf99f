{#
    The ledger of corrections: append-only, one row per run, metric and partition. A correction is an event of user 0
    whose createdAt is the moment of its run (corrected_at); that is how it is told from others in the log.
#}
{% macro corrections() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='metric_corrections', type='table')) %}
{% endmacro %}


{# Creates the ledger of corrections where it does not exist. #}
{% macro create_corrections() %}
    {% do run_query(_corrections_ddl()) %}
{% endmacro %}


{% macro _corrections_ddl() %}
    create table if not exists {{ corrections() }}
    (
        event_log LowCardinality(String) comment 'the log that was written to, <database>.<table>',
        model LowCardinality(String) comment 'the dbt model whose metrics were corrected',
        entity_type LowCardinality(String) comment 'with metric_type: the metric',
        metric_type LowCardinality(String),
        corrected_at DateTime64(3, 'UTC') comment 'the moment of the run, and createdAt of its corrections',
        settled_before DateTime64(3, 'UTC') comment 'rows and events created before this moment were compared',
        partition_id String comment 'partition of the log',
        state Enum8('intended' = 1, 'published' = 2) comment 'intended: about to be written; published: seen in the log',
        rows UInt64 comment 'corrections: one for each entity that differed',
        value_sum Int64 comment 'sum of metricValue; may be negative',
        hash UInt64 comment 'sum of a 64 bit hash of each correction: independent of their order',
        clone String comment 'the table that the corrections were published from; empty where a dead run''s were found in the log',
        invocation_id String comment 'the dbt run',
        at DateTime64(3, 'UTC') default now64(3, 'UTC') comment 'when this row was written'
    )
    engine = MergeTree
    order by (event_log, entity_type, metric_type, corrected_at, partition_id, at)
    comment 'What was corrected in event logs, when and by which run. Append-only.'
{% endmacro %}


{#
    Brings the log to the truth of the present for a model's metrics: one correcting event for each entity whose events
    do not add up to what the model's query makes of the source as it is now. What is younger than the var settle_lag is
    left for the next run: source rows, and every entity that has events as young.

    Nothing is counted twice, whatever died before: what stands in the log counts, corrections of dead runs included.

    Arguments: lock; windows, of publication_windows(), for the metrics; traits, of event_log_traits(); sql, the model's query.
    Vars: settle_lag, reconcile_limit, reconcile_dry_run, publish_mode.
    Raises: a compiler error, with nothing corrected, where more entities of a type would change than reconcile_limit
    allows, the log cannot hold negative values, or the staging models are not part of the run.
#}
{% macro correct(lock, windows, traits, sql) %}
    {% do _require_landing(lock) %}
    {% if traits.types.metricValue.startswith('UInt') %}
        {% do release_and_raise(lock,
            'The event log ' ~ var('event_log') ~ ' keeps metricValue as ' ~ traits.types.metricValue
            ~ ': it cannot hold corrections below 0. Change the column to a signed type before reconciling.'
        ) %}
    {% endif %}
    {% if not var('reconcile_dry_run') %}
        {% do _account_for_dead_runs(windows) %}
    {% endif %}
    {% set moment = _moment_of_run(traits) %}
    {% set clone = run_table(this, 'corrections') %}
    {% do create_clone(clone) %}
    {% do run_query(_fill_with_corrections(clone, windows, moment, traits, sql)) %}
    {% set found = run_query(_summed_corrections(clone)) %}

    {% if var('reconcile_dry_run') %}
        {% do log(this.identifier ~ ': dry run, nothing is written' ~ _described_corrections(clone, found), info=true) %}
    {% elif found.rows %}
        {% do _guard_against_broken_source(clone, found, lock) %}
        {% do _publish_corrections(clone, moment, traits, lock) %}
        {% do log(this.identifier ~ ': corrected' ~ _described_corrections(clone, found), info=true) %}
    {% else %}
        {% do log(this.identifier ~ ': nothing to correct in ' ~ windows | length ~ ' metrics', info=true) %}
    {% endif %}
{% endmacro %}


{# The truth is what was landed in this very run; an older one would take newer events for too many. #}
{% macro _require_landing(lock) %}
    {% set missing = [] %}
    {% for unique_id in model.depends_on.nodes if unique_id.split('.')[-1].startswith('stg_') and unique_id not in selected_resources %}
        {% do missing.append(unique_id.split('.')[-1]) %}
    {% endfor %}
    {% if missing %}
        {% do release_and_raise(lock,
            this.identifier ~ ' can only be reconciled together with the landing of its sources, but this run leaves out ' ~ missing | join(', ')
            ~ '. Nothing was corrected. Run it as dbt run --select tag:reconcile, or tag:reconcile,tag:<entity type>; not as dbt retry.'
        ) %}
    {% endif %}
{% endmacro %}


{#
    The moment of this run as the log can keep it, and the moment before which things have settled. The latter is told
    from the start of the run: before its first slice was landed, so that the truth is never older than what it is
    compared with.
#}
{% macro _moment_of_run(traits) %}
    {% set now = run_query('select toUnixTimestamp64Milli(now64(3)) as now').rows[0]['now'] %}
    {% set settled = run_started_at.replace(tzinfo=none) - modules.datetime.timedelta(seconds=var('settle_lag')) %}
    {% do return({
        'at': (truncated(_from_unix_milliseconds(now), traits.decimals) ~ ('.000' if traits.decimals == 0 else '00'))[:23],
        'settled': settled.strftime('%Y-%m-%d %H:%M:%S.%f')[:23]
    }) %}
{% endmacro %}


{# The condition for an event of the log to be a correction made at or after a moment: those before it count as any event. #}
{% macro _is_correction_since(settled) %}
    userId = 0
    and toDateTime64(createdAt, 3, 'UTC') in (
        select corrected_at
        from {{ corrections() }}
        where event_log = '{{ var("event_log") }}' and corrected_at >= {{ utc_literal(settled) }}
    )
{% endmacro %}


{# One correction for each entity and metric whose events do not add up to the truth. #}
{% macro _fill_with_corrections(clone, windows, moment, traits, sql) %}
    insert into {{ clone }} ({{ event_columns() }})
    with truth as (
        select
            entityType,
            metricType,
            toInt64(entityId) as entityId,
            toInt64(sum(metricValue)) as total
        from (
            {{ sql | indent(12) }}
        )
        where createdAt < {{ utc_literal(moment.settled) }}
        group by entityType, metricType, entityId
    ),

    logged as (
        select
            toString(entityType) as entityType,
            toString(metricType) as metricType,
            toInt64(entityId) as entityId,
            toInt64(sumIf(metricValue, is_settled or is_correction)) as total,
            countIf(not is_settled and not is_correction) as unsettled
        from (
            select
                *,
                createdAt < {{ utc_literal(truncated(moment.settled, traits.decimals)) }} as is_settled,
                {{ _is_correction_since(moment.settled) | indent(16) }} as is_correction
            from {{ event_log() }}
            where {{ of_metrics(windows) }}
        )
        group by entityType, metricType, entityId
    )

    select
        entityType,
        accurateCast(entityId, '{{ traits.types.entityId }}') as entityId,
        0 as userId,
        metricType,
        accurateCast(truth.total - logged.total, '{{ traits.types.metricValue }}') as metricValue,
        {{ utc_literal(moment.at) }} as createdAt
    from truth
    full outer join logged using (entityType, metricType, entityId)
    where truth.total != logged.total and logged.unsettled = 0
    settings max_partitions_per_insert_block = 0
{% endmacro %}


{# Per metric: how many entities are corrected, and by how much up and down. #}
{% macro _summed_corrections(clone) %}
    select
        toString(entityType) as entity_type,
        toString(metricType) as metric_type,
        count() as entities,
        sumIf(metricValue, metricValue > 0) as up,
        sumIf(metricValue, metricValue < 0) as down
    from {{ clone }}
    group by entity_type, metric_type
    order by entity_type, metric_type
{% endmacro %}


{# The corrections as text: a line for each metric, and the entities that differ most. #}
{% macro _described_corrections(clone, found) %}
    {% set lines = [''] %}
    {% for row in found %}
        {% do lines.append(
            '  - ' ~ row['entity_type'] ~ ' ' ~ row['metric_type'] ~ ': ' ~ row['entities'] ~ ' entities (+' ~ row['up'] ~ ', ' ~ row['down'] ~ ')'
        ) %}
    {% else %}
        {% do lines.append('  - nothing differs') %}
    {% endfor %}
    {% if var('reconcile_dry_run') %}
        {% for row in run_query(
            "select toString(entityType), entityId, toString(metricType), metricValue from " ~ clone ~ " order by abs(metricValue) desc, 1, 2, 3 limit 20"
        ) %}
            {% do lines.append('    ' ~ row[0] ~ ' ' ~ row[1] ~ ' ' ~ row[2] ~ ' ' ~ ('+' if row[3] > 0) ~ row[3]) %}
        {% endfor %}
    {% endif %}
    {% do return(lines | join('\n')) %}
{% endmacro %}


{# A source that is empty, half read or restored from an old copy must not erase the counters. #}
{% macro _guard_against_broken_source(clone, found, lock) %}
    {% set refused = [] %}
    {% for row in run_query(
        'select toString(entityType) as entity_type, uniqExact(entityId) as entities from ' ~ clone ~ ' group by entity_type order by entity_type'
    ) %}
        {% set existing = run_query(
            'select count() from ' ~ this.schema ~ '.stg_' ~ snake_case(row['entity_type'])
        ).rows[0][0] | int %}
        {% if var('reconcile_limit') < 1 and row['entities'] > existing * var('reconcile_limit') %}
            {% do refused.append(
                '  - ' ~ row['entity_type'] ~ ': ' ~ row['entities'] ~ ' of ' ~ existing ~ ' entities would change'
            ) %}
        {% endif %}
    {% endfor %}
    {% if refused %}
        {% set message = this.identifier ~ ' would correct more than the share of the entities that reconcile_limit allows ('
            ~ var('reconcile_limit') ~ '):\n' ~ refused | join('\n') ~ _described_corrections(clone, found)
            ~ '\nNothing was corrected. If the source is as it should be, allow it: --vars ' ~ "'{reconcile_limit: 1}'"
            ~ '; to see the entities first: --vars ' ~ "'{reconcile_dry_run: true}'." %}
        {% do release_and_raise(lock, message) %}
    {% endif %}
{% endmacro %}


{# First the intention, then the corrections, then, once they are seen in the log, that they are published. #}
{% macro _publish_corrections(clone, moment, traits, lock) %}
    {% do run_query(_enter_corrections('intended', content_of(clone), moment, clone.identifier)) %}
    {% do renew_run_lock(lock) %}
    {% do write_clone(clone, publish_mode(traits)) %}
    {% set in_log = content_of(event_log(), 'where ' ~ _corrections_at(moment.at)
        ~ ' and (entityType, metricType, entityId) in (select entityType, metricType, entityId from ' ~ clone ~ ')') %}
    {% do prove_content(content_of(clone), in_log, 'written',
        'does not hold the corrections that were just written to it',
        'What it holds counts: the next run corrects what is left.',
        lock
    ) %}
    {% do run_query(_enter_corrections('published', content_of(clone), moment, clone.identifier)) %}
{% endmacro %}


{# The condition for an event to be a correction of one moment. #}
{% macro _corrections_at(at) -%}
    userId = 0 and createdAt = {{ utc_literal(at) }}
{%- endmacro %}


{# Enters corrections in the ledger, in a state. #}
{% macro _enter_corrections(state, content, moment, clone) %}
    insert into {{ corrections() }} (
        event_log, model, entity_type, metric_type, corrected_at, settled_before, partition_id, state, rows, value_sum, hash, clone, invocation_id, at
    )
    select
        '{{ var("event_log") }}' as event_log,
        '{{ model.name }}' as model,
        entity_type,
        metric_type,
        {{ utc_literal(moment.at) }} as corrected_at,
        {{ utc_literal(moment.settled) }} as settled_before,
        partition_id,
        '{{ state }}' as state,
        content.rows as rows,
        content.value_sum as value_sum,
        content.hash as hash,
        '{{ clone }}' as clone,
        '{{ invocation_id }}' as invocation_id,
        now64(3, 'UTC') as at
    from ({{ content }}) as content
{% endmacro %}


{#
    What a dead run intended but could not enter as published: what the log holds of it is entered now, be it nothing.
#}
{% macro _account_for_dead_runs(windows) %}
    {% for row in run_query(
        "select toUnixTimestamp64Milli(corrected_at) as at, toUnixTimestamp64Milli(any(settled_before)) as settled"
        ~ ' from (' ~ _open_corrections() ~ ") group by corrected_at order by corrected_at"
    ) %}
        {% set moment = {'at': _from_unix_milliseconds(row['at']), 'settled': _from_unix_milliseconds(row['settled'])} %}
        {% set content %}
            select
                intended.entity_type as entity_type,
                intended.metric_type as metric_type,
                intended.partition_id as partition_id,
                held.rows as rows,
                held.value_sum as value_sum,
                held.hash as hash
            from (select * from ({{ _open_corrections() }}) where corrected_at = {{ utc_literal(moment.at) }}) as intended
            left join (
                {{ content_of(event_log(), 'where ' ~ of_metrics(windows) ~ ' and ' ~ _corrections_at(moment.at)) }}
            ) as held using (entity_type, metric_type, partition_id)
        {% endset %}
        {% do run_query(_enter_corrections('published', content, moment, '')) %}
    {% endfor %}
{% endmacro %}


{# Corrections of the current model that were intended and never entered as published. #}
{% macro _open_corrections() %}
    select
        entity_type,
        metric_type,
        partition_id,
        corrected_at,
        any(settled_before) as settled_before
    from {{ corrections() }}
    where
        event_log = '{{ var("event_log") }}'
        and model = '{{ model.name }}'
    group by
        entity_type,
        metric_type,
        partition_id,
        corrected_at
    having countIf(state = 'published') = 0
{% endmacro %}
