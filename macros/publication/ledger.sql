{#
    The ledger of what this project has put into event logs: append-only, one row per metric, window and
    partition. A window of a metric is done once its closing row (partition_id '') is there.
#}
{% macro publications() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='metric_publications', type='table')) %}
{% endmacro %}


{# Creates the ledger where it does not exist. #}
{% macro create_publications() %}
    {% do run_query(_publications_ddl()) %}
{% endmacro %}


{% macro _publications_ddl() %}
    create table if not exists {{ publications() }}
    (
        event_log LowCardinality(String) comment 'the log that was written to, <database>.<table>',
        model LowCardinality(String) comment 'the dbt model that made the events',
        entity_type LowCardinality(String) comment 'with metric_type: the metric',
        metric_type LowCardinality(String),
        window_start DateTime64(3, 'UTC') comment 'events created at or after this moment; 1970-01-01 for the first window',
        window_end DateTime64(3, 'UTC') comment 'events created before this moment: the cutoff',
        partition_id String comment 'partition of the log; empty in the closing row, which sums up the window',
        state Enum8('intended' = 1, 'published' = 2) comment 'intended: about to be written; published: seen in the log',
        rows UInt64 comment 'events',
        value_sum Int64 comment 'sum of metricValue',
        hash UInt64 comment 'sum of a 64 bit hash of each event: independent of their order',
        clone String comment 'the table that the events were published from',
        invocation_id String comment 'the dbt run',
        at DateTime64(3, 'UTC') default now64(3, 'UTC') comment 'when this row was written'
    )
    engine = MergeTree
    order by (event_log, entity_type, metric_type, window_end, partition_id, at)
    comment 'What was put into event logs, when and by which run. Append-only.'
{% endmacro %}


{#
    What publication_windows() needs to know, for acquire_run_lock(): up to when each metric is published, in milliseconds since
    1970.
#}
{% macro publication_facts() -%}
    select 'published' as kind, entity_type || ' ' || metric_type as name, toString(toUnixTimestamp64Milli(max(window_end))) as value
    from {{ publications() }}
    where event_log = '{{ var("event_log") }}' and state = 'published' and partition_id = ''
    group by name
{%- endmacro %}


{#
    The window of each of a model's metrics that this run has to see to.
    Arguments: metrics, the model's meta.metrics; again, true to take up windows that are published already; lock, of
    acquire_run_lock() with publication_facts().
    Returns: a list of dicts entity_type, metric_type, start, end, published_until (none where nothing is
    published yet) and pending (whether start < end).
    Raises: a compiler error where a cutoff lies before what is published already.
#}
{% macro publication_windows(metrics, again, lock) %}
    {% set published = lock.facts.get('published', {}) %}
    {% set windows = [] %}
    {% for metric in metrics %}
        {% set entity_type, metric_type = metric.split(' ') %}
        {% set end = cutoff_of(entity_type) %}
        {% set until = _from_unix_milliseconds(published[metric]) if metric in published else none %}
        {% if until and end < until %}
            {% do release_and_raise(lock,
                'The cutoff of ' ~ entity_type ~ ' is ' ~ end ~ ', but ' ~ metric ~ ' is published up to ' ~ until
                ~ '. A cutoff can only move forward: set it to ' ~ until ~ ' or later.'
            ) %}
        {% endif %}
        {% set start = until if until and not again else beginning_of_time() %}
        {% do windows.append({
            'entity_type': entity_type,
            'metric_type': metric_type,
            'start': start,
            'end': end,
            'published_until': until,
            'pending': start < end
        }) %}
    {% endfor %}
    {% do return(windows) %}
{% endmacro %}


{% macro _from_unix_milliseconds(milliseconds) %}
    {% set moment = modules.datetime.datetime(1970, 1, 1) + modules.datetime.timedelta(milliseconds=milliseconds | int) %}
    {% do return(moment.strftime('%Y-%m-%d %H:%M:%S.%f')[:23]) %}
{% endmacro %}


{#
    The condition for a log's or a clone's rows to belong to given windows, as the log can tell: its createdAt
    may keep fewer digits than the cutoff has.
    Arguments: windows, of publication_windows(); decimals, of event_log_traits(); until, the key that holds
    the end ('end' or 'published_until'); from_start, true to take all that lies before the end.
#}
{% macro within_windows(windows, decimals, until='end', from_start=false) -%}
    {%- set spans = {} -%}
    {%- for window in windows -%}
        {%- set span = (beginning_of_time() if from_start else window.start, window[until]) -%}
        {%- do spans.setdefault(span, []).append(window) -%}
    {%- endfor -%}
    (
    {%- for span, members in spans.items() %}
        (
            createdAt >= {{ utc_literal(truncated(span[0], decimals)) }}
            and createdAt < {{ utc_literal(truncated(span[1], decimals)) }}
            and {{ of_metrics(members) }}
        )
        {{- ' or' if not loop.last }}
    {%- else %} false
    {%- endfor %}
    )
{%- endmacro %}


{#
    within_windows() as the whole filter of a query of a log. The name of the metric is read first: few of a log's rows
    are a model's, and nothing else needs to be read of the others. It halves the time of looking into the log.
    Arguments: those of within_windows().
#}
{% macro where_within_windows(windows, decimals, until='end', from_start=false) -%}
    prewhere metricType in ('{{ windows | map(attribute="metric_type") | unique | join("', '") }}')
    where {{ within_windows(windows, decimals, until, from_start) }}
{%- endmacro %}


{#
    The condition for a log's or a clone's rows to be of given metrics: one entity type after the other, since a tuple
    in a list of tuples takes five times as long.
    Arguments: metrics, dicts with entity_type and metric_type, such as windows.
#}
{% macro of_metrics(metrics) -%}
    (
        {%- for entity_type, of_type in metrics | groupby('entity_type') %}
        (entityType = '{{ entity_type }}' and metricType in ('{{ of_type | map(attribute="metric_type") | join("', '") }}'))
        {{- ' or' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}


{# Where a metric's first window begins. #}
{% macro beginning_of_time() -%}
    {{- return('1970-01-01 00:00:00.000') -}}
{%- endmacro %}


{# The metrics of windows as SQL tuples. #}
{% macro metric_tuples(windows) -%}
    {%- for window in windows -%}
        ('{{ window.entity_type }}', '{{ window.metric_type }}'){{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{# A timestamp cut to the digits of a second that the event log keeps. #}
{% macro truncated(timestamp, decimals) -%}
    {{- return(timestamp[:19] if decimals == 0 else timestamp[:20 + decimals]) -}}
{%- endmacro %}


{#
    What a log or clone holds: per metric and partition the rows, their sum and their hash.
    The one definition of "the same events": everything that compares, compares these.
    Arguments: relation; filter, a where clause, such as where_within_windows(); empty: all of it.
#}
{% macro content_of(relation, filter='') %}
    select
        toString(any(entityType)) as entity_type,
        toString(any(metricType)) as metric_type,
        toString(any(_partition_id)) as partition_id,
        count() as rows,
        toInt64(sum(metricValue)) as value_sum,
        sum(cityHash64(entityId, userId, metricValue, createdAt)) as hash
    from {{ relation }}
    {{ filter }}
    -- by one number for all three: half the time of grouping by their texts, where the log keeps these by dictionary
    group by cityHash64(entityType) + 3 * cityHash64(metricType) + 5 * cityHash64(_partition_id)
{% endmacro %}


{#
    What the ledger says was published of metrics: per metric and partition, over all windows. A window that
    begins with time itself supersedes what was published before it (on_conflict: replace).
#}
{% macro published_content(windows) %}
    select
        entity_type,
        metric_type,
        partition_id,
        sum(published.rows) as rows,
        sum(published.value_sum) as value_sum,
        sum(published.hash) as hash
    from {{ publications() }} as published
    inner join (
        select
            entity_type,
            metric_type,
            max(at) as first_window_at
        from {{ publications() }}
        where
            event_log = '{{ var("event_log") }}'
            and state = 'published'
            and partition_id = ''
            and window_start = {{ utc_literal(beginning_of_time()) }}
            and (entity_type, metric_type) in ({{ metric_tuples(windows) }})
        group by
            entity_type,
            metric_type
    ) as beginning using (entity_type, metric_type)
    where
        event_log = '{{ var("event_log") }}'
        and state = 'published'
        and partition_id != ''
        and at >= first_window_at
    group by
        entity_type,
        metric_type,
        partition_id
{% endmacro %}


{# What this run has entered as intended for the current model: what content_of() has, and the window. #}
{% macro _intended_content() %}
    select
        entity_type,
        metric_type,
        window_start,
        window_end,
        partition_id,
        rows,
        value_sum,
        hash
    from {{ publications() }}
    where
        event_log = '{{ var("event_log") }}'
        and state = 'intended'
        and model = '{{ model.name }}'
        and invocation_id = '{{ invocation_id }}'
{% endmacro %}


{#
    Two contents side by side where they differ: what is expected, and what is there.
    Arguments: expected and found, two queries of the shape of content_of().
    Returns: a query of entity_type, metric_type, partition_id, and rows and value_sum of both.
#}
{% macro content_differences(expected, found) %}
    select * except differs
    from ({{ _side_by_side(expected, found) }})
    where differs
    order by
        entity_type,
        metric_type,
        partition_id
{% endmacro %}


{#
    How much of each metric two contents hold, and whether they differ.
    Arguments: expected and found, two queries of the shape of content_of().
    Returns: a query of entity_type, metric_type, expected_rows and differing_partitions (how many).
#}
{% macro content_by_metric(expected, found) %}
    select
        entity_type,
        metric_type,
        sum(expected_rows) as expected_rows,
        countIf(differs) as differing_partitions
    from ({{ _side_by_side(expected, found) }})
    group by
        entity_type,
        metric_type
{% endmacro %}


{# Added up under one key instead of joined: planning a join takes longer than reading contents of this size. #}
{% macro _side_by_side(expected, found) %}
    select
        entity_type,
        metric_type,
        partition_id,
        sumIf(content.rows, is_expected) as expected_rows,
        sumIf(content.value_sum, is_expected) as expected_sum,
        sumIf(content.rows, not is_expected) as found_rows,
        sumIf(content.value_sum, not is_expected) as found_sum,
        (expected_rows, expected_sum, sumIf(content.hash, is_expected)) != (found_rows, found_sum, sumIf(content.hash, not is_expected)) as differs
    from (
        select entity_type, metric_type, partition_id, rows, value_sum, hash, true as is_expected from ({{ expected }})
        union all
        select entity_type, metric_type, partition_id, rows, value_sum, hash, false as is_expected from ({{ found }})
    ) as content
    group by
        entity_type,
        metric_type,
        partition_id
{% endmacro %}


{#
    Makes sure that the log holds what it is expected to hold.
    Arguments: expected and in_log, two queries of the shape of content_of(); expected_name, what to call the former; fault,
    what the log does, and way_out, for the error; lock.
    Returns: the rows of content_by_metric().
    Raises: a compiler error that names metrics, partitions and both counts.
#}
{% macro prove_content(expected, in_log, expected_name, fault, way_out, lock) %}
    {% set metrics = run_query(content_by_metric(expected, in_log)).rows %}
    {% if metrics | map(attribute='differing_partitions') | sum > 0 %}
        {% do release_and_raise(lock,
            'The event log ' ~ var('event_log') ~ ' ' ~ fault ~ ':\n'
            ~ describe_differences(run_query(content_differences(expected, in_log)), expected_name, 'found')
            ~ '\n' ~ way_out
        ) %}
    {% endif %}
    {% do return(metrics) %}
{% endmacro %}


{# The first differences as text for an error, and how many more there are. #}
{% macro describe_differences(rows, expected_name, found_name) %}
    {% set lines = [] %}
    {% for row in rows %}
        {% do lines.append(
            '  - ' ~ row['entity_type'] ~ ' ' ~ row['metric_type'] ~ ', partition ' ~ row['partition_id'] ~ ': '
            ~ expected_name ~ ' ' ~ row['expected_rows'] ~ ' events (sum ' ~ row['expected_sum'] ~ '), '
            ~ found_name ~ ' ' ~ row['found_rows'] ~ ' (sum ' ~ row['found_sum'] ~ ')'
        ) %}
    {% endfor %}
    {% if lines | length > 20 %}
        {% set lines = lines[:20] + ['  - and ' ~ (lines | length - 20) ~ ' more'] %}
    {% endif %}
    {% do return(lines | join('\n')) %}
{% endmacro %}
