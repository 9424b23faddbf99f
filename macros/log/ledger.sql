{#
    The ledger of publications, append-only. A window of a metric passes through three states:
        pending     its events are in pending_events or pending_corrections (one row a metric, partition_id '')
        intended    a publication holds its events, or what conflicts have left of them (one row a partition, and one a metric)
        published   the log was seen to hold them (the same rows)
#}
{% macro publications() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='metric_publications', type='table')) %}
{% endmacro %}


{# Creates the ledger if it does not exist. #}
{% macro create_publications() %}
    {% call statement('ledger') %}
    create table if not exists {{ publications() }}
    (
        event_log LowCardinality(String) comment 'the log that is published to, <database>.<table>',
        kind Enum8('events' = 1, 'corrections' = 2) comment 'events: history; corrections: what a reconcile added',
        entity_type LowCardinality(String) comment 'with metric_type: the metric',
        metric_type LowCardinality(String),
        window_start DateTime64(3, 'UTC') comment 'events created at or after this moment; 1970-01-01 for the first window. Of corrections: rows and events created before it were compared',
        window_end DateTime64(3, 'UTC') comment 'events created before this moment: the cutoff. Of corrections: their createdAt',
        partition_id String comment 'partition of the log; empty in the row of a whole window',
        state Enum8('pending' = 1, 'intended' = 2, 'published' = 3) comment 'pending: built, not yet published; intended: about to be written; published: seen in the log',
        rows UInt64 comment 'events',
        value_sum Int64 comment 'sum of metricValue; of corrections it may be negative',
        hash UInt64 comment 'sum of a 64-bit hash of each event, in whatever order',
        rule String comment 'hashes of the rule that made the events; only in the row of a whole window',
        publication String comment 'the dbt run that built the events',
        invocation_id String comment 'the dbt run that wrote this row',
        at DateTime64(3, 'UTC') default now64(3, 'UTC') comment 'when this row was written'
    )
    engine = MergeTree
    order by (event_log, entity_type, metric_type, window_end, partition_id, at)
    comment 'What was published to event logs, when and by which run. Append-only.'
    {% endcall %}
{% endmacro %}


{# The condition for rows of the ledger to be of this log. Arguments: kind, events or corrections. #}
{% macro of_ledger(kind) -%}
    {{- return("event_log = '" ~ var('event_log') ~ "' and kind = '" ~ kind ~ "'") -}}
{%- endmacro %}


{# The condition for rows of the ledger to be of whole windows. Arguments: kind; states, a list. #}
{% macro whole_windows(kind, states) -%}
    {{- return(of_ledger(kind) ~ " and partition_id = '' and state in ('" ~ states | join("', '") ~ "')") -}}
{%- endmacro %}


{#
    Up to when each metric is published. A window that begins in 1970 supersedes the earlier ones (on_conflict: replace); one
    without length says that nothing is left of the metric (remove_metric()).
    Returns: a query with one row for each metric of which something is published: entity_type, metric_type, published_until,
    rules (of all its windows) and began_at (when its first window was published).
#}
{% macro published_metrics() -%}
    select
        entity_type,
        metric_type,
        maxIf(at, window_start = {{ utc_literal(beginning_of_time()) }}) as began_at,
        arrayFilter(published -> published.1 >= began_at, groupArray((at, window_end, rule))) as windows,
        arrayMax(arrayMap(published -> published.2, windows)) as published_until,
        arrayDistinct(arrayMap(published -> published.3, windows)) as rules
    from {{ publications() }}
    where {{ whole_windows('events', ['published']) }}
    group by
        entity_type,
        metric_type
    having published_until > {{ utc_literal(beginning_of_time()) }}
{%- endmacro %}


{#
    The windows whose events are in pending_events and not yet in the log.
    Returns: a query of entity_type, metric_type, due_from and due_until.
#}
{% macro due_windows() -%}
    select
        entity_type,
        metric_type,
        argMax(window_start, (at, state)) as due_from,
        argMax(window_end, (at, state)) as due_until
    from {{ publications() }}
    where {{ whole_windows('events', ['pending', 'published']) }}
    group by
        entity_type,
        metric_type
    having argMax(state, (at, state)) = 'pending' and due_from < due_until
{%- endmacro %}


{#
    What is published, as windows from the beginning of time.
    Returns: a list of dicts entity_type, metric_type, start, end and rules (of all windows that were published).
#}
{% macro published_windows() %}
    {% set windows = query_dicts(
        "select entity_type, metric_type, '" ~ beginning_of_time() ~ "' as start, toString(published_until) as end, toJSONString(rules) as rules from ("
        ~ published_metrics() ~ ')'
    ) %}
    {% for window in windows %}
        {% do window.update({'rules': fromjson(window.rules)}) %}
    {% endfor %}
    {% do return(windows) %}
{% endmacro %}


{#
    The windows of a publication; those without length are left out.
    Arguments: kind; publication, the run that built it; state: pending (all that were built) or intended (those that its
    table holds).
    Returns: a list of dicts entity_type, metric_type, start and end.
#}
{% macro windows_of_publication(kind, publication, state) %}
    {% do return(query_dicts(
        'select entity_type, metric_type, toString(window_start) as start, toString(window_end) as end from ' ~ publications()
        ~ ' where ' ~ whole_windows(kind, [state]) ~ " and publication = '" ~ publication ~ "' and window_start < window_end order by 1, 2"
    )) %}
{% endmacro %}


{# Enters windows as pending. Arguments: kind; windows, dicts with entity_type, metric_type, start, end and rule. #}
{% macro enter_pending(kind, windows) %}
    {% call statement('pending') %}
    insert into {{ publications() }}
        (event_log, kind, entity_type, metric_type, window_start, window_end, partition_id, state, rule, publication, invocation_id)
    values
        {%- for window in windows %}
        ('{{ var("event_log") }}', '{{ kind }}', '{{ window.entity_type }}', '{{ window.metric_type }}', '{{ window.start }}', '{{ window.end }}',
            '', 'pending', '{{ window.rule }}', '{{ invocation_id }}', '{{ invocation_id }}')
        {{- ',' if not loop.last }}
        {%- endfor %}
    {% endcall %}
{% endmacro %}


{#
    The condition for rows of the log, or of a table like it, to lie in given windows. The log's createdAt may keep fewer digits
    than a cutoff has, so the windows are cut to them.
    Arguments: windows, dicts with entity_type, metric_type, start and end; decimals, of event_log_traits().
#}
{% macro within_windows(windows, decimals) -%}
    {%- set spans = {} -%}
    {%- for window in windows -%}
        {%- do spans.setdefault((window.start, window.end), []).append(window) -%}
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
    The condition for events of the log to be those of windows: within_windows(windows, decimals), without the corrections that were
    published meanwhile.
#}
{% macro of_windows(windows, decimals) -%}
    {{ within_windows(windows, decimals) }}
    {%- set moments = [] %}
    {%- for moment in moments_of_corrections(windows) %}
        {%- do moments.append(utc_literal(moment)) %}
    {%- endfor %}
    {%- if moments %}
    and not ({{ is_correction(moments | join(', ')) }})
    {%- endif %}
{%- endmacro %}


{# The moments of corrections that lie in windows, in the form of cutoff_of(). Few windows have any. #}
{% macro moments_of_corrections(windows) %}
    {% do return(query_column(
        'select distinct toString(window_end) from (' ~ correction_moments() ~ ") where window_end >= '" ~ windows | map(attribute='start') | min
        ~ "' and window_end < '" ~ windows | map(attribute='end') | max ~ "' order by 1"
    ) if windows else []) %}
{% endmacro %}


{# The condition for an event of the log to be a correction. Arguments: moments, SQL: a list, or a query as of correction_moments(). #}
{% macro is_correction(moments) -%}
    userId = 0 and toDateTime64(createdAt, 3, 'UTC') global in ({{ moments }})
{%- endmacro %}


{#
    of_windows(windows, decimals) as the filter of a query. It reads metricType first, and the other columns only where that
    fits, which halves the time.
#}
{% macro where_within_windows(windows, decimals) -%}
    prewhere metricType in ('{{ windows | map(attribute="metric_type") | unique | join("', '") }}')
    where {{ of_windows(windows, decimals) }}
{%- endmacro %}


{#
    The condition for rows to be of given metrics. It names one entity type after the other, since a tuple in a list of tuples
    takes five times as long.
    Arguments: metrics, dicts with entity_type and metric_type, such as windows; entity_type and metric_type, the columns.
#}
{% macro of_metrics(metrics, entity_type='entityType', metric_type='metricType') -%}
    (
        {%- for type, of_type in metrics | groupby('entity_type') %}
            ({{ entity_type }} = '{{ type }}' and {{ metric_type }} in ('{{ of_type | map(attribute="metric_type") | unique | join("', '") }}'))
            {{- ' or' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}


{# A timestamp cut to the digits of a second that the event log keeps. Arguments: timestamp; decimals, how many digits. #}
{% macro truncated(timestamp, decimals) -%}
    {{- return(timestamp[:19] if decimals == 0 else timestamp[:20 + decimals]) -}}
{%- endmacro %}


{#
    What a log, or a table like it, holds: rows, sum and hash for each metric and partition. This is the one definition of "the
    same events"; every comparison uses it.
    Arguments: relation; filter, a where clause, such as where_within_windows(); empty: all of it.
    Returns: a query of entity_type, metric_type, partition_id, rows, value_sum and hash.
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
    -- one number for all three takes half the time of their texts, if the log keeps these as LowCardinality
    group by cityHash64(entityType) + 3 * cityHash64(metricType) + 5 * cityHash64(_partition_id)
{% endmacro %}


{# What the ledger says was published, over all windows: a query of the shape of content_of(). #}
{% macro published_content() %}
    select
        entity_type,
        metric_type,
        partition_id,
        sum(published.rows) as rows,
        sum(published.value_sum) as value_sum,
        sum(published.hash) as hash
    from {{ publications() }} as published
    inner join ({{ published_metrics() }}) as newest using (entity_type, metric_type)
    where
        {{ of_ledger('events') }}
        and state = 'published'
        and partition_id != ''
        and at >= began_at
    group by
        entity_type,
        metric_type,
        partition_id
{% endmacro %}


{#
    Where two contents differ.
    Arguments: expected and found, queries of the shape of content_of().
    Returns: a query of entity_type, metric_type, partition_id, and rows and value_sum of both.
#}
{% macro content_differences(expected, found) %}
    select * except differs
    from ({{ side_by_side(expected, found) }})
    where differs
    order by
        entity_type,
        metric_type,
        partition_id
{% endmacro %}


{#
    Two contents side by side. Planning a join takes longer than reading contents of this size, so they are added up under one key.
    Arguments: expected and found, queries of the shape of content_of().
    Returns: a query of entity_type, metric_type, partition_id, rows and value_sum of both, and whether they differ.
#}
{% macro side_by_side(expected, found) %}
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
    The first differences as text for a message, and how many more there are.
    Arguments: rows, of content_differences(); expected_name and found_name, what to call the two sides.
#}
{% macro describe_differences(rows, expected_name, found_name) %}
    {% set lines = [] %}
    {% for row in rows %}
        {% do lines.append(
            '  - ' ~ name_of(row) ~ ', partition ' ~ row['partition_id'] ~ ': '
            ~ expected_name ~ ' ' ~ how_many(row['expected_rows'], 'event') ~ ' (sum ' ~ row['expected_sum'] ~ '), '
            ~ found_name ~ ' ' ~ row['found_rows'] ~ ' (sum ' ~ row['found_sum'] ~ ')'
        ) %}
    {% endfor %}
    {% if lines | length > 20 %}
        {% set lines = lines[:20] + ['  - and ' ~ (lines | length - 20) ~ ' more'] %}
    {% endif %}
    {% do return(lines | join('\n')) %}
{% endmacro %}
