{#
    Where the new rows are of a table whose key grows with time (grows_with). Its rows are read again as long as they were young when
    they were landed: rows with lower keys may have come since, and rows change most in their first day, as an image that gets its
    post. Where rows are newer than one with a higher key, the key has not grown with time, and all are read again.
#}


{#
    The slices that new rows no longer come to. The first row of the next slice was not young any more when the slice was landed;
    PostgreSQL has no higher key in it than was landed; and none of its rows is newer than that first row.
    Arguments: slicing, of the materialization `slices`; in_source, the slices that the source has.
    Returns: a list of numbers.
#}
{% macro closed_slices(slicing, in_source) %}
    {% set time = slicing.grows_with %}
    {% set newest = 'ifNull(toUnixTimestamp64Milli(max(' ~ time ~ ')), 0)' if time in model.columns else '0' %}
    {% do return(query_column(
        'select slice from ' ~ postgres_query(_edges_in_postgres(slicing, in_source)) ~ ' as source inner join ('
        ~ 'select toInt64(' ~ slicing.number ~ ') as slice, max(' ~ slicing.key ~ ') as last_key, ' ~ newest ~ ' as newest,'
        ~ ' toUnixTimestamp(min(_landed_at)) * 1000 as landed from ' ~ this ~ ' group by slice'
        ~ ') as staged on source.slice = staged.slice where source.last_key <= staged.last_key and source.next_began + '
        ~ _young_for() ~ ' <= staged.landed and staged.newest <= source.next_began + ' ~ 1000 * var('settle_lag')
    ) | map('int') | list) %}
{% endmacro %}


{#
    PostgreSQL: the last key of each slice (last_key), and the time of the first row of the next one (next_began, in milliseconds
    since 1970; null of the last slice). Each is a look at the key's index.
#}
{% macro _edges_in_postgres(slicing, slices) %}
    {%- set timed = _timed_rows(slicing) -%}
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
            select {{ timed.at }}
            from {{ timed.source }}
            where "{{ timed.key }}" >= next_slice * {{ slicing.size }} and {{ timed.at }} is not null
            order by "{{ timed.key }}"
            limit 1
        ) as next_began
    from (select slice, lead(slice) over (order by slice) as next_slice from unnest(array{{ slices }}::bigint[]) as slice) as listed
{%- endmacro %}


{#
    The key of each of some slices up to which the staged rows are kept as they are, since they were not young any more when the slice
    was landed. Slices without such a key are left out.
    Arguments: slicing, of the materialization `slices`; slices, that are to be landed.
    Returns: a dict of slice and key.
#}
{% macro kept_keys(slicing, slices) %}
    {% set staged = query_dicts(_staged_ends(slicing, slices)) if slices else [] %}
    {% set kept = {} %}
    {% for key in (query_column(_keys_to_keep(slicing, slices, staged)) if staged else []) %}
        {% do kept.update({(key / slicing.size) | int: key | int}) %}
    {% endfor %}
    {% do return(kept) %}
{% endmacro %}


{# Of each slice, its least possible key, the last one that is staged, and the time in milliseconds before which no row was young. #}
{% macro _staged_ends(slicing, slices) %}
    select
        slice * {{ slicing.size }} - if(slice > 0, 0, {{ slicing.size - 1 }}) as first_key,
        max({{ slicing.key }}) as last_key,
        toUnixTimestamp(min(_landed_at)) * 1000 - {{ _young_for() }} as old
    from {{ this }}
    where {{ slicing.number }} in ({{ slices | join(', ') }})
    group by toInt64({{ slicing.number }}) as slice
{% endmacro %}


{# Of the keys that _last_old_rows() finds, those before which no staged row is newer. A table without the time is not checked. #}
{% macro _keys_to_keep(slicing, slices, staged) %}
    {%- set time = slicing.grows_with %}
    {%- set last_old = postgres_query(_last_old_rows(slicing, staged)) ~ ' as last_old' %}
    {%- if time in model.columns %}
    select last_old.key as key
    from {{ this }} as staged
    inner join {{ last_old }} on toInt64({{ slicing.number }}) = intDiv(last_old.key, {{ slicing.size }})
    where {{ slicing.number }} in ({{ slices | join(', ') }}) and {{ slicing.key }} <= last_old.key
    group by key, last_old.at
    having ifNull(toUnixTimestamp64Milli(max(staged.{{ time }})), 0) <= last_old.at + {{ 1000 * var('settle_lag') }}
    {%- else %}
    select key from {{ last_old }}
    {%- endif %}
{% endmacro %}


{#
    PostgreSQL: of each slice, the last of the staged keys (key) whose row was not young when it was landed, and the time of that row
    (at, in milliseconds since 1970). The key's index meets the young ones first.
#}
{% macro _last_old_rows(slicing, staged) %}
    {%- set timed = _timed_rows(slicing) -%}
    select
        last_old.key,
        last_old.at
    from (
        values
        {%- for row in staged %}
        ({{ row.first_key }}::bigint, {{ row.last_key }}::bigint, {{ row.old }}::bigint){{ ',' if not loop.last }}
        {%- endfor %}
    ) as staged (first_key, last_key, old)
    cross join lateral (
        select
            "{{ timed.key }}"::bigint as key,
            {{ timed.at }} as at
        from {{ timed.source }}
        where "{{ timed.key }}" between staged.first_key and staged.last_key and {{ timed.at }} <= staged.old
        order by "{{ timed.key }}" desc
        limit 1
    ) as last_old
{%- endmacro %}


{# The table that says when a key came, its column of that key, and the time of a row in milliseconds since 1970. #}
{% macro _timed_rows(slicing) %}
    {% set parts = slicing.grows_with.split('.') %}
    {% do return({
        'source': postgres_table(parts[0]) if parts | length == 2 else slicing.source,
        'key': 'id' if parts | length == 2 else slicing.key,
        'at': '(extract(epoch from "' ~ parts[-1] ~ '") * 1000)::bigint',
    }) %}
{% endmacro %}


{# For how many milliseconds a row is young: a day, or twice as long as a transaction may stay open. #}
{% macro _young_for() %}
    {% do return(1000 * [86400, 2 * var('settle_lag')] | max) %}
{% endmacro %}
