{#
    Copies a PostgreSQL table in slices of its key, each exactly once.

    The table is partitioned by slice, and the slices already landed are the checkpoint. A run lands those that are missing, the
    last one (it grows), and those that were read before the cutoff had settled (rows may have come since). The key of a table with
    grows_with grows with time, so new rows come at its end: slices with nothing new are left alone, and of one that grows only the
    end is read (new_rows.sql). A run that reconciles also lands slices whose rows have changed. If the landing of a table is complete
    and late enough for every cutoff, the table is left alone.

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
    {% set landed = {'slices': 0, 'rows': 0, 'at_the_end': 0, 'nothing_new': 0} %}
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
            ~ ('; ' ~ how_many(landed.at_the_end, 'slice') ~ ' read at the end alone' if landed.at_the_end)
            ~ ('; nothing new in ' ~ how_many(landed.nothing_new, 'slice') if landed.nothing_new), info=true
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
    Returns: a dict of slices, how many were landed; at_the_end, of how many only the end was read; rows, how many were read; and
    nothing_new, how many slices were left as they are for that.
#}
{% macro _land(slicing, landing) %}
    {% set exists = load_cached_relation(this) is not none %}
    {% set is_new = not exists or should_full_refresh() or landing.layout != slicing.layout %}
    {% set destination = run_table(this, 'new') if exists and is_new else this %}
    {% set scratch = run_table(this, 'scratch') %}

    {% set source = run_query(_source_slices(slicing)).rows[0] %}
    {% set in_source = fromjson(source['slices']) | map('int') | list %}
    {% set staged = {} if is_new or not slicing.key else _staged_slices(slicing) %}
    {% set compared = slices_to_compare(this, in_source + staged | list) if staged and reconciling() else [] %}
    {% set changed = compared if var('reconcile_mode') == 'full' or not compared
        else query_column(changed_slices(slicing, this, compared)) | map('int') | list %}
    {% set kept = kept_rows(slicing, staged) %}
    {% for slice in changed + ([] if landing.complete or not staged else [staged | max]) %}
        {% do kept.pop(slice, none) %}
    {% endfor %}
    {% do slicing.update({'kept': kept}) %}
    {% set slices = _slices_to_land(slicing, in_source, staged, changed) %}
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
    {% set nothing_new = [] %}
    {% for slice, rows in kept.items() if rows.nothing_new and slice not in slices %}
        {% do nothing_new.append(slice) %}
    {% endfor %}
    {% set looked_at = slices | reject('in', kept) | list + compared %}
    {% if looked_at %}
        {% do enter_looks(this, source['began'], slicing, looked_at) %}
    {% endif %}
    {% do enter_landing_complete(this, source['began'], slicing, nothing_new) %}
    {% do return({
        'slices': landed.slices, 'at_the_end': slices | select('in', kept) | list | length, 'rows': landed.rows, 'nothing_new': nothing_new | length
    }) %}
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
    The slices that the table has: a dict of number, and a dict of is_early (whether it was read before the cutoff had settled),
    last_key and landed (in milliseconds since 1970).
#}
{% macro _staged_slices(slicing) %}
    {% set staged = {} %}
    {% for row in run_query(
        "select " ~ slicing.number ~ " as slice, min(_landed_at) < " ~ utc_literal(settled_after(last_cutoff())) ~ " as is_early, max("
        ~ slicing.key ~ ") as last_key, toUnixTimestamp(min(_landed_at)) * 1000 as landed from " ~ this ~ " group by slice"
    ) %}
        {% do staged.update({row['slice'] | int: {
            'is_early': row['is_early'] | int == 1, 'last_key': row['last_key'] | int, 'landed': row['landed'] | int
        }}) %}
    {% endfor %}
    {% do return(staged) %}
{% endmacro %}


{#
    The numbers of the slices to land, ascending: those that are missing, those that changed, and, unless there is nothing new in
    them, those that were read before the cutoff had settled, and the last one, even if PostgreSQL has no row in it any more. If nothing
    is staged, slice 0 of an empty source makes the table.
#}
{% macro _slices_to_land(slicing, in_source, staged, changed) %}
    {% set wanted = changed | list %}
    {% for slice in in_source if slice not in staged %}
        {% do wanted.append(slice) %}
    {% endfor %}
    {% for slice, found in staged.items() if (found.is_early and slice in in_source or slice == staged | max) and not slicing.kept.get(slice, {}).nothing_new %}
        {% do wanted.append(slice) %}
    {% endfor %}
    {% do return(wanted | unique | sort if wanted or staged else [0]) %}
{% endmacro %}


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


{#
    The condition for a key to be in a slice, in both dialects.
    Arguments: slicing, of the materialization `slices`; slice, its number; quote, of names in the dialect.
#}
{% macro in_slice(slicing, slice, quote='') -%}
    {%- set key, bounds = quote ~ slicing.key ~ quote, bounds_of_slice(slicing, slice) -%}
    {{ 'true' if not slicing.key else key ~ ' >= ' ~ bounds[0] ~ ' and ' ~ key ~ ' < ' ~ bounds[1] }}
{%- endmacro %}


{#
    A slice's first key, and the one after its last. Division truncates, so slice 0 reaches below zero.
    Arguments: slicing, of the materialization `slices`; slice, its number.
    Returns: a list of two keys.
#}
{% macro bounds_of_slice(slicing, slice) %}
    {% do return([
        slice * slicing.size - (slicing.size - 1 if slice <= 0 else 0),
        slice * slicing.size + (slicing.size if slice >= 0 else 1)
    ]) %}
{% endmacro %}


{# The condition for a row of a slice to be read from PostgreSQL: all, or those after the last key that is kept. #}
{% macro _to_read(slicing, slice, quote='') -%}
    {{ in_slice(slicing, slice, quote) }}{{ ' and ' ~ quote ~ slicing.key ~ quote ~ ' > ' ~ slicing.kept[slice].key if slice in slicing.kept }}
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


{#
    Each slice is copied in a stream of its own, as are the rows of it that are kept. If a filter does not reach PostgreSQL, that is
    an error (strict), not a full copy.
#}
{% macro _copy_of_slices(slices, slicing) %}
    {%- for slice in slices %}
    select *, now('UTC') as _landed_at
    from (
        {{ slicing.sql }}
        {%- if slicing.key %}
        where {{ _to_read(slicing, slice) }}
        {%- endif %}
    )
    {%- if slice in slicing.kept %}
    union all
    select * replace (now('UTC') as _landed_at)
    from {{ this }}
    where {{ in_slice(slicing, slice) }} and {{ slicing.key }} <= {{ slicing.kept[slice].key }}
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    settings
        external_table_strict_query = 1,
        max_insert_threads = {{ slices | length }},
        max_partitions_per_insert_block = 0
{% endmacro %}


{#
    Proves that the scratch table has as many rows of each slice as PostgreSQL, of those that were read from it.
    Returns: how many that are.
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
                    model.name ~ ', slice ' ~ slice ~ ' (' ~ _to_read(slicing, slice) ~ '): ' ~ how_many(again['copied'], 'row')
                    ~ (' was' if again['copied'] | int == 1 else ' were') ~ ' copied, but PostgreSQL counts ' ~ again['counted'] ~ ' (' ~ copied ~ ' and ' ~ counted
                    ~ ' at the first try). Neither it nor the slices copied with it were put in place; earlier ones stay. Run it again. If this'
                    ~ ' lasts, the source changes faster than it can be read, or the connection loses rows.'
                ) %}
            {% endif %}
            {% set copied, row = again['copied'] | int, again %}
        {% endif %}
        {% set proven.rows = proven.rows + copied %}
        {% if row['doubtful'] | int %}
            {% do doubtful.append(_to_read(slicing, slice, '"')) %}
        {% endif %}
    {% endfor %}
    {% if doubtful %}
        {% do check_times(doubtful | join(' or ')) %}
    {% endif %}
    {% do return(proven.rows) %}
{% endmacro %}


{#
    For each slice, of the rows that were read: how many the scratch table has, how many with a doubtful time, and how many PostgreSQL
    counts.
#}
{% macro _count_slices(slices, slicing, scratch) %}
    {%- set in_postgres -%}
        {% for slice in slices -%}
        select {{ slice }} as slice, count(*) as rows from {{ slicing.source }} where {{ _to_read(slicing, slice, '"') }}
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
        where {% for slice in slices %}{{ _to_read(slicing, slice) }}{{ ' or ' if not loop.last }}{% endfor %}
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
