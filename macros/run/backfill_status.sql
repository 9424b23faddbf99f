{#
    As a run-operation: what is landed, pending and published at this moment, a row for each staging and events model, with rows a second
    and an estimate of what is left while a run is at work. It only reads, takes no lock, and may be asked at any time.

    dbt run-operation backfill_status
#}
{% macro backfill_status() %}
    {% do check_command() %}
    {% do require_event_log() %}
    {% do log(_what_is_at_work(), info=true) %}
    {% if load_relation(landings()) and load_relation(publications()) %}
        {% for status in [_landing_status(), _publication_status()] %}
            {% do print('') %}
            {% do _print_table(run_query(status)) %}
        {% endfor %}
        {% do print('') %}
    {% else %}
        {% do log('Nothing is landed yet: no backfill has begun in the database ' ~ target.schema ~ '.', info=true) %}
    {% endif %}
    {% do log(what_was_looked_at(), info=true) %}
{% endmacro %}


{# Which run holds the lock, and the statements that it has on the server. #}
{% macro _what_is_at_work() %}
    {% set holder = newest_lock('run_lock').holder %}
    {% if not holder %}
        {% do return('No run is at work.') %}
    {% endif %}
    {% set statements = query_column(
        "select extract(query, '\"node\": \"[a-z]+[.][a-z_]+[.]([A-Za-z0-9_]+)') || ' for ' || toString(round(elapsed, 1)) || ' s'"
        ~ " from system.processes where " ~ is_statement_of(holder) ~ " order by elapsed desc"
    ) %}
    {% if statements %}
        {% do return('Run ' ~ holder ~ ' is at work on ' ~ statements | join(', ') ~ '.') %}
    {% endif %}
    {% do return(
        'Run ' ~ holder ~ ' holds the lock, but has no statement on the server. If that lasts, it is dead: the next run takes over.'
    ) %}
{% endmacro %}


{# A row for each staging model: how far it is landed, how fast that goes, and how long it will take. #}
{% macro _landing_status() %}
    {% set tables = [] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'slices' %}
        {% do tables.append(node.name) %}
    {% endfor %}
    {% set begun = query_dicts("select staging_table, left(seen, 19) as since from (" ~ latest_landings() ~ ") where state = 'begun' and held > 0") %}
    with staged as (
        select arrayJoin(['{{ tables | sort | join("', '") }}']) as staging_table
    ),

    landing as (
        {{ latest_landings() }}
    ),

    -- of each table, when the slice was landed or compared that this was longest ago for
    oldest as (
        {{ oldest_looks() }}
    ),

    -- what was landed since the landing began, of tables whose landing has not ended
    under_way as (
        {% for landing in begun %}
        select
            '{{ landing.staging_table }}' as staging_table,
            uniqExact(_partition_id) as slices,
            count() as rows,
            greatest(dateDiff('second', toDateTime('{{ landing.since }}', 'UTC'), now('UTC')), 1) as seconds
        from {{ relation_named(landing.staging_table) }}
        where _landed_at >= toDateTime('{{ landing.since }}', 'UTC')
        {{ 'union all' if not loop.last }}
        {% else %}
        select '' as staging_table, 0 as slices, 0 as rows, 1 as seconds
        {% endfor %}
    )

    select
        staged.staging_table as `staging model`,
        multiIf(landing.state = '', 'not landed', landing.state = 'complete', 'landed', 'landing') as state,
        landing.held_rows as rows,
        if(landing.state = '', '', toString(landing.held) || if(landing.state = 'begun', ' of ' || toString(landing.slices), '')) as slices,
        left(landing.seen, 19) as since,
        left(oldest.look, 19) as `oldest look`,
        if(landing.state = 'begun', intDivOrZero(under_way.rows, under_way.seconds), null) as `rows a second`,
        if(under_way.slices > 0, intDivOrZero((landing.slices - least(landing.held, landing.slices)) * under_way.seconds, under_way.slices), null) as `seconds left`
    from staged
    left join landing on staged.staging_table = landing.staging_table
    left join under_way on staged.staging_table = under_way.staging_table
    left join oldest on staged.staging_table = oldest.staging_table
    order by staged.staging_table
{% endmacro %}


{#
    A row for each events model: how many of its metrics are published, up to when, and how many events that are; and how many events
    wait to be published, or are built so far by the run that is at work.
#}
{% macro _publication_status() %}
    {% set metrics = [] %}
    {% for view in events_models() %}
        {% for metric in view.config.meta.metrics %}
            {% do metrics.append("('" ~ view.name ~ "', '" ~ metric.entity_type ~ "', '" ~ metric.metric_type ~ "')") %}
        {% endfor %}
    {% endfor %}
    {% set pending = relation_named('pending_events') %}
    {% set half_built = load_relation(relation_named('pending_events__scratch_' ~ newest_lock('run_lock').holder[:8])) %}
    with metric as (
        select
            tupleElement(listed, 1) as view,
            tupleElement(listed, 2) as entity_type,
            tupleElement(listed, 3) as metric_type
        from (select arrayJoin([{{ metrics | join(', ') }}]) as listed)
    ),

    published as (
        {{ published_metrics() }}
    ),

    history as (
        select entity_type, metric_type, sum(content.rows) as events
        from ({{ published_content() }}) as content
        group by entity_type, metric_type
    ),

    pending as (
        {% if half_built %}
        select toString(entityType) as entity_type, toString(metricType) as metric_type, count() as events
        from {{ half_built }}
        group by entity_type, metric_type
        {% elif load_relation(pending) %}
        select toString(entityType) as entity_type, toString(metricType) as metric_type, count() as events
        from {{ pending }}
        inner join ({{ due_windows() }}) as due on entityType = due.entity_type and metricType = due.metric_type
        group by entity_type, metric_type
        {% else %}
        select '' as entity_type, '' as metric_type, 0 as events
        {% endif %}
    )

    select
        metric.view as `events model`,
        toString(countIf(published.entity_type != '')) || ' of ' || toString(count()) as `metrics published`,
        if(countIf(published.entity_type != '') = 0, '', left(toString(minIf(published.published_until, published.entity_type != '')), 23)) as until,
        sum(history.events) as `events published`,
        sum(pending.events) as `events {{ 'built so far' if half_built else 'pending' }}`
    from metric
    left join published on metric.entity_type = published.entity_type and metric.metric_type = published.metric_type
    left join history on metric.entity_type = history.entity_type and metric.metric_type = history.metric_type
    left join pending on metric.entity_type = pending.entity_type and metric.metric_type = pending.metric_type
    group by metric.view
    order by metric.view
{% endmacro %}


{# Prints a query's result in columns, numbers to the right; - where there is nothing. #}
{% macro _print_table(result) %}
    {% set rows, widths = [result.column_names | list], {} %}
    {% for row in result.rows %}
        {% set cells = [] %}
        {% for value in row %}{% do cells.append('-' if value in (none, '') else '{:,}'.format(value | int) if value is number else value) %}{% endfor %}
        {% do rows.append(cells) %}
    {% endfor %}
    {% for column in range(rows[0] | length) %}{% do widths.update({column: rows | map(attribute=column) | map('length') | max}) %}{% endfor %}
    {% for cells in rows %}
        {% set line = [] %}
        {% for cell in cells %}
            {% set is_number = result.rows | length and result.rows | map(attribute=loop.index0) | select('number') | list %}
            {% do line.append(cell.rjust(widths[loop.index0]) if is_number else cell.ljust(widths[loop.index0])) %}
        {% endfor %}
        {% do print(line | join('  ') | trim) %}
    {% endfor %}
{% endmacro %}
