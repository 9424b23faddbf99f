{#
    The ledger of the roll-up, append-only. A row says that a month of the event log has changed, that entity_metric_rollup is up to
    date with it, or that the month is the same although its content string is new.
#}
{% macro rolled_up_months() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='entity_metric_months', type='table')) %}
{% endmacro %}


{#
    The ledger of seams, append-only, one row a step. A seam's boundary is the beginning of a day (UTC). Totals of the days before it
    are sealed under the seam's generation; later events are read from the log. Readers use the newest current row: current_seam().
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
    The seam that readers use, as a scalar subquery: a tuple of generation and boundary. ClickHouse evaluates it once a query, however
    often it stands there, so both sides of the seam always agree. If nothing is sealed, it is generation 0 and 1970. assumeNotNull
    keeps newer servers from making the tuple, and every column made from it, Nullable.
#}
{% macro current_seam() -%}
    assumeNotNull((select argMax((generation, boundary), (at, generation)) from {{ seams() }} where state = 'current'))
{%- endmacro %}


{#
    The condition that a row of entity_metric_sealed belongs to a generation. It asks for the partition: reading the column would cost
    a look-up a tenth of its time. Unit tests have no partitions and compare the column.
#}
{% macro is_of_generation(generation) -%}
    _partition_id = toString({{ generation }})
{%- endmacro %}


{#
    The roll-up's pre-hook. It plans a new seam and marks the months that changed in the log since they were rolled up, or all of them
    with --full-refresh. It notes the state of the log before the log is read, so the next run finds a change in between. Months that
    an earlier run marked and never finished are marked again.
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
            {# Without this, months whose events are gone would stay as they were. Deleted events may still have parts. #}
            {% set emptied = query_column(
                'select month from ' ~ rolled_up_months() ~ " where state = 'changed' and invocation_id = '" ~ invocation_id ~ "'"
                ~ " and month global not in (select toYYYYMM(createdAt, 'UTC') from " ~ event_log()
                ~ " where toYYYYMM(createdAt, 'UTC') global in (" ~ changed_months() ~ '))'
            ) %}
            {% if emptied %}
                {# Each is replaced from an empty table of this run: a run that has lost its lock could still drop a partition. #}
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
    The months to roll up, as a subquery. If the table is swapped, all of them: another run that took this one for dead may have
    rolled up what this one marked.
#}
{% macro changed_months() -%}
    {%- if execute and should_full_refresh() and load_relation(this) -%}
    select distinct month from {{ rolled_up_months() }}
    {%- else -%}
    select month from {{ rolled_up_months() }} group by month having argMax(state, (at, state)) = 'changed'
    {%- endif -%}
{%- endmacro %}


{# The roll-up's post-hook: what this run marked is done. #}
{% macro end_roll_up() %}
    {% if execute %}
        {% do require_run_lock('marts_lock') %}
        {% set months = query_value(
            'select count() from ' ~ rolled_up_months() ~ " where state = 'changed' and invocation_id = '" ~ invocation_id ~ "'"
        ) %}
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
    The seam to seal, as a subquery of at most one row (generation, boundary): the newest one that is rolled up, unless the current
    seam has the same boundary and no month was rolled up since the current seam was. What counts is when the current seam was rolled
    up, not when it became current: another run may have rolled up a month while it was being sealed.
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
    The pre-hook of entity_metric_sealed. If the table is missing, it enters that nothing is sealed: readers then read the log instead
    of a table that is being filled, and the table is filled even if nothing has changed.
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
    The post-hook of entity_metric_sealed: readers use its seam from now on. The generation before it stays for queries that began with
    it; older ones are dropped.
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


{# Enters the table's newest seam as current. If the log lost all events before a boundary and nothing is sealed, it enters that seam. #}
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
    The months of the event log, each with a content string that tells its states apart. If a partition is a month in UTC, its parts
    tell: a new event raises the highest block number, a deletion raises the data version, and merges change neither. A deletion raises
    the version of all other months as well, but leaves their files alone. So version and files follow, after slashes: a month lost
    events only if both differ. Shards number their blocks each for itself, so their numbers are added up. In a log with other
    partitions, the events themselves are hashed, which means reading them.
#}
{% macro _months_of_the_log() %}
    {% set log = event_log_traits() %}
    {% set shards = log.shards %}
    {% set table = shards.table if shards else var('event_log') %}
    {% set everywhere = "cluster('" ~ shards.cluster ~ "', %s)" if shards else '%s' %}
    {% set of_log = "database = '" ~ table.split('.')[0] ~ "' and table = '" ~ table.split('.')[1] ~ "'" %}
    {% set traits = run_query(
        'select any(partition_key) as partition_key, arrayStringConcat(arraySort(groupArray(toString(uuid)))) as uuids, any(serverTimezone()) as timezone'
        ~ ' from ' ~ everywhere | format('system.tables') ~ ' where ' ~ of_log | replace('table =', 'name =')
    ).rows[0] %}
    {% set timezone = modules.re.search("'(.*)'", log.types.createdAt) %}
    {% if traits['partition_key'] == 'toYYYYMM(createdAt)' and (timezone.group(1) if timezone else traits['timezone']) == 'UTC' %}
        select
            month,
            concat('{{ traits['uuids'] }}', ' ', sum(of_shard.rows), ' ', sum(of_shard.blocks), '/', sum(of_shard.version), '/', sum(of_shard.files)) as content
        from (
            select
                toUInt32(right(partition, 6)) as month, -- of patch parts, too, whose partitions have longer names
                shardNum() as shard,
                sum(rows) as rows,
                max(max_block_number) as blocks,
                max(if(data_version = min_block_number, 0, data_version)) as version,
                sum(cityHash64(hash_of_uncompressed_files)) as files
            from {{ everywhere | format('system.parts') }}
            where active and {{ of_log }}
            group by month, shard
        ) as of_shard
        group by month
    {% else %}
        select
            toYYYYMM(createdAt, 'UTC') as month,
            concat('{{ traits['uuids'] }}', ' ', count(), ' ', sum(cityHash64({{ event_columns() }}))) as content
        from {{ event_log() }}
        group by month
    {% endif %}
{% endmacro %}
