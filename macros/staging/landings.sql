{#
    The ledger of landings, append-only. A row says that a landing of a staging table began, or that it is complete. Events are
    built only from tables whose landing is complete and read the source late enough.
#}
{% macro landings() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='metric_landings', type='table')) %}
{% endmacro %}


{# Creates the ledger if it does not exist. #}
{% macro create_landings() %}
    {% call statement('landings') %}
    create table if not exists {{ landings() }}
    (
        staging_table LowCardinality(String) comment 'the table that is landed',
        state Enum8('begun' = 1, 'complete' = 2) comment 'begun: slices are being copied; complete: all slices have landed',
        seen_at DateTime64(3, 'UTC') comment 'complete: up to when the table has all rows of the source; begun: when the landing began',
        slices UInt64 comment 'begun: how many slices the table will have; complete: how many it has',
        rows UInt64 comment 'complete: rows of the whole table',
        layout String comment 'hash of what the table is made by: query, keys, slice size',
        invocation_id String comment 'the dbt run',
        at DateTime64(3, 'UTC') default now64(3, 'UTC') comment 'when this row was written'
    )
    engine = MergeTree
    order by (staging_table, at)
    comment 'When each staging table was landed, and how far. Append-only.'
    {% endcall %}
{% endmacro %}


{#
    The newest landing of a staging table.
    Arguments: relation, the staging table.
    Returns: a dict of layout, seen and complete; '' and false if there is none. Complete only if the table still holds the rows
    that were landed.
#}
{% macro landing_of(relation) %}
    {% for landing in run_query(latest_landings() ~ " where staging_table = '" ~ relation.identifier ~ "'") %}
        {% do return({
            'layout': landing['layout'],
            'seen': landing['seen'],
            'complete': landing['state'] == 'complete' and landing['held_rows'] == landing['landed_rows']
        }) %}
    {% endfor %}
    {% do return({'layout': '', 'seen': '', 'complete': false}) %}
{% endmacro %}


{#
    Records that a landing has begun.
    Arguments: relation, the staging table; slices, how many it will have; layout, of the slicing.
#}
{% macro enter_landing_begun(relation, slices, layout) %}
    {% call statement('begun') %}
    insert into {{ landings() }} (staging_table, state, seen_at, slices, rows, layout, invocation_id)
    select '{{ relation.identifier }}', 'begun', now64(3, 'UTC'), {{ slices }}, 0, '{{ layout }}', '{{ invocation_id }}'
    {% endcall %}
{% endmacro %}


{#
    Records that a landing is complete, and up to when it has seen all rows: when the oldest slice was read that may have new
    rows.
    Arguments: relation, the staging table; began, when the landing began, which counts if there is no such slice; slicing, of the
    materialization `slices`; nothing_new, the slices in which there was nothing new at that time.
#}
{% macro enter_landing_complete(relation, began, slicing, nothing_new) %}
    {% set is_open = slicing.number ~ ' not in (' ~ nothing_new | join(', ') ~ ')' if nothing_new else 'true' %}
    {% call statement('complete') %}
    insert into {{ landings() }} (staging_table, state, seen_at, slices, rows, layout, invocation_id)
    select
        '{{ relation.identifier }}' as staging_table,
        'complete' as state,
        if(countIf({{ is_open }}) = 0, {{ utc_literal(began) }}, toDateTime64(minIf(_landed_at, {{ is_open }}), 3, 'UTC')) as seen_at,
        uniqExact(_partition_id) as slices,
        count() as rows,
        '{{ slicing.layout }}' as layout,
        '{{ invocation_id }}' as invocation_id
    from {{ relation }}
    {% endcall %}
{% endmacro %}


{#
    Refuses to build events from tables that were landed in part, or before all of their rows were in PostgreSQL.
    Arguments: views, the events models; windows, of event_windows(), those that are open.
    Raises: a compiler error that lists such tables, how far or when they were landed, and the cutoff.
#}
{% macro require_landings(views, windows) %}
    {% set landed = {} %}
    {% for row in run_query(latest_landings()) %}
        {% do landed.update({row['staging_table']: row}) %}
    {% endfor %}
    {% set faults = [] %}
    {% for view in views %}
        {% set ends = windows | selectattr('view', 'equalto', view.name) | map(attribute='end') | list %}
        {% for unique_id in view.depends_on.nodes if ends and unique_id.split('.')[-1].startswith('stg_') %}
            {% set name = unique_id.split('.')[-1] %}
            {% set landing = landed.get(name) %}
            {% if not landing %}
                {% do faults.append('  - ' ~ name ~ ': never landed') %}
            {% elif landing['state'] == 'begun' %}
                {% do faults.append(
                    '  - ' ~ name ~ ': landed in part, ' ~ landing['held'] ~ ' of ' ~ how_many(landing['slices'], 'slice') ~ ', by a run that began at '
                    ~ landing['seen'] ~ ' and did not end'
                ) %}
            {% elif landing['held_rows'] < landing['landed_rows'] %}
                {% do faults.append('  - ' ~ name ~ ': holds ' ~ landing['held_rows'] ~ ' of the ' ~ how_many(landing['landed_rows'], 'row') ~ ' landed') %}
            {% elif landing['seen'] < settled_after(ends | max) %}
                {% do faults.append(
                    '  - ' ~ name ~ ': landed at ' ~ landing['seen'] ~ ', which is not ' ~ var('settle_lag') ~ ' s (settle_lag) after the cutoff '
                    ~ ends | max
                ) %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {% if faults %}
        {% do exceptions.raise_compiler_error(
            'These tables do not hold all rows from before the cutoff:\n' ~ faults | unique | join('\n')
            ~ '\nNothing was published. Land them in the same run: dbt build --select tag:backfill.'
        ) %}
    {% endif %}
{% endmacro %}


{# The newest row of the ledger for each staging table, and how many slices and rows the table has now. #}
{% macro latest_landings() %}
    select
        landing.staging_table as staging_table,
        landing.state as state,
        landing.seen as seen,
        landing.layout as layout,
        landing.slices as slices,
        landing.landed_rows as landed_rows,
        parts.held as held,
        parts.held_rows as held_rows
    from (
        select
            staging_table,
            toString(argMax(landed.state, (at, landed.state))) as state,
            toString(argMax(seen_at, (at, landed.state))) as seen,
            argMax(landed.layout, (at, landed.state)) as layout,
            argMax(landed.slices, (at, landed.state)) as slices,
            argMax(landed.rows, (at, landed.state)) as landed_rows
        from {{ landings() }} as landed
        group by staging_table
    ) as landing
    left join (
        select
            table,
            uniqExact(partition_id) as held,
            sum(rows) as held_rows
        from system.parts
        where active and database = '{{ target.schema }}'
        group by table
    ) as parts on landing.staging_table = parts.table
{% endmacro %}
