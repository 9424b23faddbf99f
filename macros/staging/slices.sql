{#
    Copies a PostgreSQL table in slices of its key, each exactly once.

    The table is partitioned by slice, and the slices already landed are the checkpoint. A run lands those that are missing, the
    last one (it grows), and those that were read before the cutoff had settled (rows may have come since), unless they are closed:
    the key of a table with grows_with grows with time, so new rows come at its end, and the rest was read once and for all. A run
    that reconciles also lands slices whose rows have changed. If the landing of a table is complete and late enough for every
    cutoff, the table is left alone.

    Each batch of slices goes into a scratch table of this run, is counted against PostgreSQL, and replaces its partitions in one
    atomic step. So no slice lands in part or twice, even if a run is killed and its statements go on on the server. The first
    scratch table of a new table becomes that table. Everything is landed beside the old table, and swapped, if the run has
    --full-refresh, if the model's columns or keys have changed, or if the ledger of landings does not know the table.

    Config:
        slice_key   leading column of the source's primary key, an integer; none: the table is one slice
        slice_size  keys per slice; default: the var slice_size
        order_by    sorting key
    The model: one select from one source, without where.
    The source: meta.grows_with, see models/sources/postgres.yml.
    Adds: the column _landed_at (DateTime, UTC), when the copy of the slice began.
#}
{% materialization slices, adapter='clickhouse' %}
    {% set key, size = config.get('slice_key'), config.get('slice_size', var('slice_size')) | int %}
    {% set slicing = {
        'key': key,
        'size': size,
        'number': 'intDiv(' ~ key ~ ', ' ~ size ~ ')' if key else 'toInt32(0)',
        'source': _sliced_source(),
        'grows_with': graph.sources[model.depends_on.nodes[0]].config.meta.get('grows_with') if key else none,
        'sql': sql
    } %}
    {% do slicing.update({'layout': _layout(slicing)}) %}
    {% set landing = landing_of(this) %}
    {% set landed = {'slices': 0, 'rows': 0, 'closed': []} %}
    {% set table = model.sources[0][1] %}
    {% if is_retired(table) %}
        {% do log(this.identifier ~ ': ' ~ table ~ ' is retired; what was landed of it stays', info=true) %}
    {% elif not should_full_refresh() and not reconciling() and landing.complete and landing.layout == slicing.layout
        and landing.seen >= settled_after(last_cutoff()) %}
        {% do log(this.identifier ~ ': nothing to land', info=true) %}
    {% else %}
        {% do landed.update(_land(slicing, landing)) %}
        {% do log(
            this.identifier ~ ': ' ~ how_many(landed.slices, 'slice') ~ ' landed, ' ~ how_many(landed.rows, 'row')
            ~ ('; ' ~ how_many(landed.closed | length, 'slice') ~ ' closed' if landed.closed), info=true
        ) %}
        {% do persist_docs(this, model) %}
    {% endif %}

    {# dbt shows this as the model's statement and result. #}
    {% call noop_statement('main', message=how_many(landed.rows, 'row'), rows_affected=landed.rows) %}{{ sql }}{% endcall %}
    {% do return({'relations': [this.incorporate(type='table')]}) %}
{% endmaterialization %}


{#
    Lands slices a batch at a time. If there is more than one batch, the ledger records that the landing has begun; not if a table
    is built beside the old one, which stays as it was landed until the swap.
    Arguments: landing, of landing_of().
    Returns: a dict of slices and rows, how many were landed, and closed, the slices that were left as they are for good.
#}
{% macro _land(slicing, landing) %}
    {% set exists = load_cached_relation(this) is not none %}
    {% set is_new = not exists or should_full_refresh() or landing.layout != slicing.layout %}
    {% set destination = run_table(this, 'new') if exists and is_new else this %}
    {% set scratch = run_table(this, 'scratch') %}

    {% set source = run_query(_source_slices(slicing)).rows[0] %}
    {% set in_source = fromjson(source['slices']) | map('int') | list %}
    {% set closed = [] if is_new or not slicing.grows_with else _closed_slices(slicing, in_source) %}
    {% set slices = _slices_to_land(slicing, in_source, closed, is_new) %}
    {% if slices | length > var('parallel_slices') and destination == this %}
        {% do enter_landing_begun(this, in_source | length, slicing.layout) %}
    {% endif %}
    {% set began = modules.datetime.datetime.utcnow() %}
    {% set landed = namespace(slices=0, rows=0) %}
    {% for batch in slices | batch(var('parallel_slices') | int) %}
        {% set batch_began = modules.datetime.datetime.utcnow() %}
        {% do run_query(_create_scratch(scratch, batch, slicing)) %}
        {% do require_run_lock('run_lock') %}
        {% set copied = _prove_counts(batch, slicing, scratch) %}
        {% if is_new and loop.first %}
            {% do run_query('rename table ' ~ scratch ~ ' to ' ~ destination) %}
        {% else %}
            {% do run_query(_replace_slices(batch, slicing, scratch, destination)) %}
            {% do run_query('drop table ' ~ scratch ~ ' sync') %}
        {% endif %}
        {% set landed.slices = landed.slices + batch | length %}
        {% set landed.rows = landed.rows + copied %}
        {% do say_progress(batch_began, this.identifier ~ ', slices ' ~ batch | join(', '), copied, 'row',
            left_to_do(began, landed.slices, slices | length, 'slice')) %}
    {% endfor %}

    {% if destination != this %}
        {% do run_query('exchange tables ' ~ destination ~ ' and ' ~ this) %}
        {% do run_query('drop table ' ~ destination ~ ' sync') %}
    {% endif %}
    {% set closed = closed | reject('in', slices) | list %}
    {% do enter_landing_complete(this, source['began'], slicing, closed) %}
    {% do return({'slices': landed.slices, 'rows': landed.rows, 'closed': closed}) %}
{% endmacro %}


{# The PostgreSQL table that the model copies. #}
{% macro _sliced_source() %}
    {% if model.sources | length != 1 or model.refs %}
        {% do exceptions.raise_compiler_error(model.name ~ ' is materialized as slices, so it must select from exactly one source and no ref.') %}
    {% endif %}
    {% do return(postgres_table(model.sources[0][1])) %}
{% endmacro %}


{# Hash of all that the table is made by. A table of another layout is built anew. #}
{% macro _layout(slicing) %}
    {% set parts = [slicing.sql, config.get('engine', ''), config.require('order_by'), slicing.key, slicing.size] %}
    {% for column in graph.sources[model.depends_on.nodes[0]].columns.values() %}
        {% do parts.append(column.name ~ ' ' ~ column.data_type) %}
    {% endfor %}
    {% do return(local_md5(parts | join('|'))) %}
{% endmacro %}


{#
    The numbers of the slices to land, ascending. Into a new table: all, or slice 0 of an empty source, which makes the table.
    Otherwise: those that are missing, those that were read before the cutoff had settled and are not closed, and the last one, even
    if PostgreSQL has no row in it any more. When reconciling: also those that have changed, or all (reconcile_mode: full).
#}
{% macro _slices_to_land(slicing, in_source, closed, is_new) %}
    {% if not slicing.key or is_new %}
        {% do return(in_source | sort or [0]) %}
    {% endif %}
    {% set staged = {} %}
    {% for row in run_query(
        "select " ~ slicing.number ~ " as slice, min(_landed_at) < " ~ utc_literal(settled_after(last_cutoff())) ~ " as is_early"
        ~ " from " ~ this ~ " group by slice"
    ) %}
        {% do staged.update({row['slice'] | int: row['is_early'] | int == 1}) %}
    {% endfor %}
    {% set wanted = [] %}
    {% for slice in in_source if slice not in staged or staged[slice] and slice not in closed %}
        {% do wanted.append(slice) %}
    {% endfor %}
    {% if staged %}
        {% do wanted.append(staged | max) %}
    {% endif %}
    {% if reconciling() %}
        {% do wanted.extend(
            in_source + staged | list if var('reconcile_mode') == 'full'
            else query_column(changed_slices(slicing, this)) | map('int') | list
        ) %}
    {% endif %}
    {% do return(wanted | unique | sort) %}
{% endmacro %}


{#
    The slices that new rows no longer come to. The first row of the next slice was there so long before the slice was landed that no
    transaction with one of its keys was still open; PostgreSQL has no higher key in it than was landed; and none of its rows is
    newer than that first row, since there the key would not have grown with time.
    Arguments: in_source, the slices that the source has.
    Returns: a list of numbers.
#}
{% macro _closed_slices(slicing, in_source) %}
    {% set time = slicing.grows_with %}
    {% set newest = 'ifNull(toUnixTimestamp64Milli(max(' ~ time ~ ')), 0)' if time in model.columns else '0' %}
    {% do return(query_column(
        'select slice from ' ~ postgres_query(_edges_in_postgres(slicing, in_source)) ~ ' as source inner join ('
        ~ 'select toInt64(' ~ slicing.number ~ ') as slice, max(' ~ slicing.key ~ ') as last_key, ' ~ newest ~ ' as newest,'
        ~ ' toUnixTimestamp(min(_landed_at)) * 1000 as landed from ' ~ this ~ ' group by slice'
        ~ ') as staged on source.slice = staged.slice where source.last_key <= staged.last_key and source.next_began + '
        ~ 2000 * var('settle_lag') ~ ' <= staged.landed and staged.newest <= source.next_began + ' ~ 1000 * var('settle_lag')
    ) | map('int') | list) %}
{% endmacro %}


{#
    PostgreSQL: the last key of each slice (last_key), and the time of the first row of the next one (next_began, in milliseconds
    since 1970; null of the last slice). Each is a look at the key's index.
#}
{% macro _edges_in_postgres(slicing, slices) %}
    {%- set parts = slicing.grows_with.split('.') -%}
    {%- set source, key = (postgres_table(parts[0]), 'id') if parts | length == 2 else (slicing.source, slicing.key) -%}
    select
        slice,
        (
            select "{{ slicing.key }}"
            from {{ slicing.source }}
            where "{{ slicing.key }}" < slice * {{ slicing.size }} + case when slice >= 0 then {{ slicing.size }} else 1 end
            order by "{{ slicing.key }}" desc
            limit 1
        )::bigint as last_key,
        (
            select (extract(epoch from "{{ parts[-1] }}") * 1000)::bigint
            from {{ source }}
            where "{{ key }}" >= next_slice * {{ slicing.size }} and "{{ parts[-1] }}" is not null
            order by "{{ key }}"
            limit 1
        ) as next_began
    from (select slice, lead(slice) over (order by slice) as next_slice from unnest(array{{ slices }}::bigint[]) as slice) as listed
{%- endmacro %}


{#
    The slices that the source has, and the moment before they were listed.
    Returns: a query of one row: slices (a JSON array) and began.
#}
{% macro _source_slices(slicing) %}
    select
        toJSONString(groupArray(number)) as slices,
        toString(now64(3, 'UTC')) as began
    from {{ postgres_query(_slices_in_postgres(slicing)) if slicing.key else '(select 0 as number)' }}
{% endmacro %}


{#
    PostgreSQL: the slices of a table that have rows. The query hops from one slice to the next over the key's index, so it passes
    any gap in one step.
#}
{% macro _slices_in_postgres(slicing) -%}
    with recursive slice (number) as (
        (select "{{ slicing.key }}" / {{ slicing.size }} from {{ slicing.source }} order by "{{ slicing.key }}" limit 1)
        union all
        select (
            select "{{ slicing.key }}" / {{ slicing.size }}
            from {{ slicing.source }}
            where "{{ slicing.key }}" >= slice.number::bigint * {{ slicing.size }} + case when slice.number < 0 then 1 else {{ slicing.size }} end
            order by "{{ slicing.key }}"
            limit 1
        )
        from slice
        where slice.number is not null
    )
    select number from slice where number is not null
{%- endmacro %}


{# The condition for a key to be in a slice, in both dialects. Division truncates, so slice 0 reaches below zero. #}
{% macro _in_slice(slicing, slice, quote='') -%}
    {%- set key = quote ~ slicing.key ~ quote -%}
    {%- set first = slice * slicing.size - (slicing.size - 1 if slice <= 0 else 0) -%}
    {%- set after = slice * slicing.size + (slicing.size if slice >= 0 else 1) -%}
    {{ 'true' if not slicing.key else key ~ ' >= ' ~ first ~ ' and ' ~ key ~ ' < ' ~ after }}
{%- endmacro %}


{# A scratch table with the rows of some slices. #}
{% macro _create_scratch(scratch, slices, slicing) %}
    create table {{ scratch }}
    engine = {{ config.get('engine', 'MergeTree()') }}
    partition by {{ slicing.number if slicing.key else 'tuple()' }}
    order by ({{ config.require('order_by') }})
    as
    {{- _copy_of_slices(slices, slicing) }}
{% endmacro %}


{# Each slice is copied in a stream of its own. If a filter does not reach PostgreSQL, that is an error (strict), not a full copy. #}
{% macro _copy_of_slices(slices, slicing) %}
    {%- for slice in slices %}
    select *, now('UTC') as _landed_at
    from (
        {{ slicing.sql }}
        {%- if slicing.key %}
        where {{ _in_slice(slicing, slice) }}
        {%- endif %}
    )
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    settings
        external_table_strict_query = 1,
        max_insert_threads = {{ slices | length }},
        max_partitions_per_insert_block = 0
{% endmacro %}


{#
    Proves that the scratch table has as many rows of each slice as PostgreSQL.
    Returns: how many rows the slices have.
    Raises: a compiler error that names the slice and the counts, or the times that ClickHouse cannot read.
#}
{% macro _prove_counts(slices, slicing, scratch) %}
    {% set proven = namespace(rows=0) %}
    {% set doubtful = [] %}
    {% for row in run_query(_count_slices(slices, slicing, scratch)) %}
        {% set slice, copied, counted = row['slice'] | int, row['copied'] | int, row['counted'] | int %}
        {% if copied != counted %}
            {# Rows come and go during a copy, so the slice is read once more before this is an error. #}
            {% do run_query('alter table ' ~ scratch ~ ' drop partition id ' ~ _partition_of(slice, slicing)) %}
            {% do run_query('insert into ' ~ scratch ~ _copy_of_slices([slice], slicing)) %}
            {% set again = run_query(_count_slices([slice], slicing, scratch)).rows[0] %}
            {% set counts = [counted, again['counted'] | int] %}
            {% if again['copied'] | int < counts | min or again['copied'] | int > counts | max %}
                {% do exceptions.raise_compiler_error(
                    model.name ~ ', slice ' ~ slice ~ ' (' ~ _in_slice(slicing, slice) ~ '): ' ~ how_many(again['copied'], 'row')
                    ~ (' was' if again['copied'] | int == 1 else ' were') ~ ' copied, but PostgreSQL counts ' ~ again['counted'] ~ ' (' ~ copied ~ ' and ' ~ counted
                    ~ ' at the first try). Neither it nor the slices copied with it were put in place; earlier ones stay. Run it again. If this'
                    ~ ' lasts, the source changes faster than it can be read, or the connection loses rows.'
                ) %}
            {% endif %}
            {% set copied, row = again['copied'] | int, again %}
        {% endif %}
        {% set proven.rows = proven.rows + copied %}
        {% if row['doubtful'] | int %}
            {% do doubtful.append(_in_slice(slicing, slice, '"')) %}
        {% endif %}
    {% endfor %}
    {% if doubtful %}
        {% do check_times(doubtful | join(' or ')) %}
    {% endif %}
    {% do return(proven.rows) %}
{% endmacro %}


{# For each slice: how many rows the scratch table has, how many with a doubtful time, and how many PostgreSQL counts. #}
{% macro _count_slices(slices, slicing, scratch) %}
    {%- set in_postgres -%}
        {% for slice in slices -%}
        select {{ slice }} as slice, count(*) as rows from {{ slicing.source }} where {{ _in_slice(slicing, slice, '"') }}
        {{- ' union all ' if not loop.last }}
        {%- endfor %}
    {%- endset %}
    select
        counted.slice as slice,
        copied.rows as copied,
        copied.doubtful as doubtful,
        counted.rows as counted
    from {{ postgres_query(in_postgres) }} as counted
    left join (
        select
            {{ slicing.number }} as slice,
            count() as rows,
            countIf({{ is_doubtful(model) }}) as doubtful
        from {{ scratch }}
        group by slice
    ) as copied on counted.slice = copied.slice
    order by slice
{% endmacro %}


{# The id of a slice's partition, quoted. #}
{% macro _partition_of(slice, slicing) -%}
    {{- return("'" ~ (slice if slicing.key else 'all') ~ "'") -}}
{%- endmacro %}


{#
    Replaces the slices' partitions. A slice that has lost all rows since it was listed is replaced by nothing: a drop would not
    name the scratch table, and so would not fail if the run has lost its lock.
#}
{% macro _replace_slices(slices, slicing, scratch, destination) %}
    alter table {{ destination }}
    {%- for slice in slices %}
        replace partition id {{ _partition_of(slice, slicing) }} from {{ scratch }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    settings allow_replace_partition_from_empty_source = 1
{% endmacro %}
