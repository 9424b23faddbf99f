{#
    The ledger of the roll-up: append-only, one row each time a month of the event log was found to have changed, and
    one when entity_metric_rollup had been brought up to date with it; also one when only what tells its state is new.
#}
{% macro rolled_up_months() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='entity_metric_months', type='table')) %}
{% endmacro %}


{#
    The ledger of the seam between what is sealed and what is open: append-only, one row a step. A seam's boundary is the
    beginning of a day (UTC): totals of the days before it are sealed under the seam's generation, later events are read
    from the log. Readers go by the newest row that is current, and read it once a query: see current_seam().
#}
{% macro seams() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='entity_metric_seams', type='table')) %}
{% endmacro %}


{# Creates both ledgers where they do not exist. #}
{% macro create_roll_up_ledgers() %}
    {% do run_query(_rolled_up_months_ddl()) %}
    {% do run_query(_seams_ddl()) %}
{% endmacro %}


{% macro _rolled_up_months_ddl() %}
    create table if not exists {{ rolled_up_months() }}
    (
        month UInt32 comment 'YYYYMM, in UTC',
        content String comment 'what tells one state of the month in the log from another; empty: no events',
        state Enum8('changed' = 1, 'rolled up' = 2, 'unchanged' = 3)
        comment 'changed: to be rolled up again; rolled up: done; unchanged: the content tells the same state otherwise',
        invocation_id String comment 'the dbt run',
        at DateTime64(3, 'UTC') default now64(3, 'UTC') comment 'when this row was written'
    )
    engine = MergeTree
    order by (month, at)
    comment 'Which months of the event log were rolled up, in which state, when and by which run. Append-only.'
{% endmacro %}


{% macro _seams_ddl() %}
    create table if not exists {{ seams() }}
    (
        generation UInt64 comment 'of entity_metric_sealed; the moment of planning, in milliseconds since 1970. 0: nothing is sealed',
        boundary DateTime64(3, 'UTC') comment 'totals of what was created before are sealed; from here on the log is read',
        state Enum8('planned' = 1, 'rolled up' = 2, 'current' = 3)
        comment 'planned: chosen; rolled up: the days before it are; current: what readers go by',
        invocation_id String comment 'the dbt run',
        at DateTime64(3, 'UTC') default now64(3, 'UTC') comment 'when this row was written'
    )
    engine = MergeTree
    order by (generation, at)
    comment 'Up to when totals are sealed, and since when. Append-only.'
{% endmacro %}


{#
    The seam that readers go by, as a scalar subquery: a tuple of generation and boundary. Used twice in a query it is
    evaluated once, so that both sides of the seam always agree. Where nothing is sealed, generation 0 and 1970. Never
    null: without assumeNotNull, newer servers make the tuple Nullable, and with it whatever is made of it.
#}
{% macro current_seam() -%}
    assumeNotNull((select argMax((generation, boundary), (at, generation)) from {{ seams() }} where state = 'current'))
{%- endmacro %}


{#
    Whether a row of entity_metric_sealed is of a generation, by its partition: to read the column would cost a look-up a
    tenth of its time. Unit tests, which have no partitions, put the column in its place.
#}
{% macro is_of_generation(generation) -%}
    _partition_id = toString({{ generation }})
{%- endmacro %}


{#
    Before the roll-up reads the log: plans a new seam and marks the months whose part of the log has changed since they
    were rolled up (--full-refresh: all). What the log says is noted before it is read, so that a change in between is
    found by the next run. Months that an earlier run marked and never finished are marked again.
    To be called as a pre-hook of the model.
#}
{% macro begin_roll_up() %}
    {% if execute %}
        {% do require_run_lock('marts_lock') %}
        {% do run_query(
            'insert into ' ~ seams() ~ ' (generation, boundary, state, invocation_id)'
            ~ " select toUnixTimestamp64Milli(now64(3, 'UTC')),"
            ~ " toStartOfDay(now64(3, 'UTC') - toIntervalSecond(" ~ var('settle_lag') ~ ")), 'planned', '" ~ invocation_id ~ "'"
        ) %}
        {% do run_query(_mark_changed_months()) %}
        {% if load_relation(this) %}
            {# Months without events, which would else stay as they were. Deleted events may still have parts. #}
            {% set emptied = query_column(
                'select month from ' ~ rolled_up_months() ~ " where state = 'changed' and invocation_id = '" ~ invocation_id ~ "'"
                ~ " and month not in (select toYYYYMM(createdAt, 'UTC') from " ~ event_log()
                ~ " where toYYYYMM(createdAt, 'UTC') in (" ~ changed_months() ~ '))'
            ) %}
            {% if emptied %}
                {# Replaced by nothing, from a table of this run's: a drop could still be done by one that has lost its lock. #}
                {% set empty = run_table(this, 'empty') %}
                {% do run_query('create table ' ~ empty ~ ' as ' ~ this) %}
                {% do require_run_lock('marts_lock') %}
                {% for month in emptied %}
                    {% do run_query('alter table ' ~ this ~ ' replace partition ' ~ month ~ ' from ' ~ empty ~ ' settings allow_replace_partition_from_empty_source = 1') %}
                {% endfor %}
                {% do run_query('drop table ' ~ empty ~ ' sync') %}
            {% endif %}
        {% endif %}
    {% endif %}
{% endmacro %}


{#
    The months that are to be rolled up, as a subquery. All of them where the table is swapped: what this run has marked,
    another may have rolled up since, which took this one for dead.
#}
{% macro changed_months() -%}
    {%- if execute and should_full_refresh() and load_relation(this) -%}
    select distinct month from {{ rolled_up_months() }}
    {%- else -%}
    select month from {{ rolled_up_months() }} group by month having argMax(state, (at, state)) = 'changed'
    {%- endif -%}
{%- endmacro %}


{# After the roll-up: what this run has marked is done. To be called as a post-hook of the model. #}
{% macro end_roll_up() %}
    {% if execute %}
        {% do require_run_lock('marts_lock') %}
        {% set months = run_query(
            'select count() from ' ~ rolled_up_months() ~ " where state = 'changed' and invocation_id = '" ~ invocation_id ~ "'"
        ).rows[0][0] %}
        {% do log(
            this.identifier ~ ': ' ~ (how_many(months, 'month') ~ ' rolled up' if months else 'nothing to do; no month of the log has changed'),
            info=true
        ) %}
        {% do run_query(
            'insert into ' ~ rolled_up_months() ~ " (month, content, state, invocation_id)"
            ~ " select month, content, 'rolled up', invocation_id from " ~ rolled_up_months()
            ~ " where state = 'changed' and invocation_id = '" ~ invocation_id ~ "'"
        ) %}
        {% do run_query(
            'insert into ' ~ seams() ~ ' (generation, boundary, state, invocation_id)'
            ~ " select generation, boundary, 'rolled up', invocation_id from " ~ seams()
            ~ " where state = 'planned' and invocation_id = '" ~ invocation_id ~ "'"
        ) %}
    {% endif %}
{% endmacro %}


{#
    The seam whose totals are to be sealed, as a subquery of no or one row (generation, boundary): the newest that is
    rolled up, unless the current one has the same boundary and no month was rolled up since that one was. (Not: since
    it became current. Another run may have rolled up a month while it was being sealed.)
#}
{% macro seam_to_seal() -%}
    select
        max(seam.generation) as generation,
        argMax(seam.boundary, seam.generation) as boundary
    from {{ seams() }} as seam
    where state = 'rolled up'
    having
        generation > tupleElement({{ current_seam() }}, 1)
        and (
            boundary != tupleElement({{ current_seam() }}, 2)
            or (select max(at) from {{ rolled_up_months() }} where state = 'rolled up') > (
                select max(at) from {{ seams() }}
                where state = 'rolled up' and generation = tupleElement({{ current_seam() }}, 1)
            )
        )
{%- endmacro %}


{#
    Before totals are sealed. Where the table is missing, enters that nothing is sealed: readers then read the log and not
    a table that is being filled, and it is filled even if nothing has changed. To be called as a pre-hook of the model.
#}
{% macro begin_seal() %}
    {% if execute %}
        {% do require_run_lock('marts_lock') %}
        {% if not load_relation(this) %}
            {% do run_query(
                'insert into ' ~ seams() ~ ' (generation, boundary, state, invocation_id)'
                ~ " select 0, toDateTime64(0, 3, 'UTC'), 'current', '" ~ invocation_id ~ "'"
                ~ ' where tupleElement(' ~ current_seam() ~ ', 1) != 0'
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}


{#
    After totals were sealed: readers go by their seam from now on. The generation before it is kept for queries that
    have begun with it; older ones are dropped. To be called as a post-hook of the model.
#}
{% macro end_seal() %}
    {% if execute %}
        {% do require_run_lock('marts_lock') %}
        {% do run_query(_make_sealed_current()) %}
        {% for row in run_query(
            'select distinct partition from system.parts where active and database = ' ~ "'" ~ this.schema ~ "' and table = '"
            ~ this.identifier ~ "' and toUInt64(partition) not in (select generation from " ~ seams()
            ~ " where state = 'current' group by generation order by generation desc limit 2)"
        ) %}
            {% do run_query('alter table ' ~ this ~ ' drop partition ' ~ row[0]) %}
        {% endfor %}
    {% endif %}
{% endmacro %}


{# The newest seam of the table; where a log has lost all events before the boundary, so that nothing is sealed, that seam. #}
{% macro _make_sealed_current() %}
    insert into {{ seams() }} (generation, boundary, state, invocation_id)
    select generation, boundary, 'current', '{{ invocation_id }}'
    from {{ seams() }}
    where
        state = 'rolled up'
        and generation > tupleElement({{ current_seam() }}, 1)
        and (
            generation = (select max(generation) from {{ this }})
            or (
                tupleElement({{ current_seam() }}, 1) != 0
                and generation in (select generation from ({{ seam_to_seal() }}))
                and ifNull(toDate(boundary, 'UTC') <= (select minOrNull(day) from {{ ref('entity_metric_rollup') }}), true)
            )
        )
    order by generation desc
    limit 1
{% endmacro %}


{% macro _mark_changed_months() %}
    {% set all = should_full_refresh() or not load_relation(this) %}
    insert into {{ rolled_up_months() }} (month, content, state, invocation_id)
    select
        if(log.month = 0, known.month, log.month) as month,
        log.content,
        if(
            {{ all }}
            or known.state = 'changed'
            or splitByChar('/', known.content)[1] != splitByChar('/', log.content)[1]
            or (
                splitByChar('/', known.content)[2] != splitByChar('/', log.content)[2]
                and splitByChar('/', known.content)[3] != splitByChar('/', log.content)[3]
            ),
            'changed', 'unchanged'
        ),
        '{{ invocation_id }}'
    from (
        select
            month,
            argMax(newest.content, (at, newest.state)) as content,
            argMax(newest.state, (at, newest.state)) as state
        from {{ rolled_up_months() }} as newest
        group by month
    ) as known
    full outer join ({{ _months_of_the_log() }}) as log on known.month = log.month
    where {{ all }} or known.state = 'changed' or known.content != log.content
{% endmacro %}


{#
    The months of the event log, each with what tells one state of it from another. Where a partition is a month in UTC,
    its parts tell: a new event raises the highest block number, a deletion the version of the data, and neither
    changes when parts are merged. But a deletion raises the versions of all other months too, whose files stay as they
    are. So version and files follow after slashes: only where both differ has something been deleted. Otherwise the
    events themselves tell, which means reading them.
#}
{% macro _months_of_the_log() %}
    {% set of_log = "database = '" ~ event_log().schema ~ "' and table = '" ~ event_log().identifier ~ "'" %}
    {% set traits = run_query(
        "select partition_key, uuid, (select type from system.columns where " ~ of_log ~ " and name = 'createdAt'),"
        ~ " serverTimezone() from system.tables where " ~ of_log | replace('table =', 'name =')
    ).rows[0] %}
    {% set timezone = modules.re.search("'(.*)'", traits[2]) %}
    {% if traits[0] == 'toYYYYMM(createdAt)' and (timezone.group(1) if timezone else traits[3]) == 'UTC' %}
        select
            toUInt32(right(partition, 6)) as month, -- of patch parts, too, whose partitions have longer names
            concat(
                '{{ traits[1] }}', ' ', sum(rows), ' ', max(max_block_number),
                '/', max(if(data_version = min_block_number, 0, data_version)), '/', sum(cityHash64(hash_of_uncompressed_files))
            ) as content
        from system.parts
        where active and {{ of_log }}
        group by month
    {% else %}
        select
            toYYYYMM(createdAt, 'UTC') as month,
            concat('{{ traits[1] }}', ' ', count(), ' ', sum(cityHash64({{ event_columns() }}))) as content
        from {{ event_log() }}
        group by month
    {% endif %}
{% endmacro %}
