{#
    The rows that need not be read again, of a table whose key grows with time (grows_with): in each slice, those up to a key. A row is
    read again as long as it was young when it was landed: rows with lower keys may have come since, and rows change most in their
    first day, as an image that gets its post. Where a row is newer than one with a higher key, the key has not grown with time, and
    the slice is left out.
    Arguments: slicing, of the materialization `slices`; staged, the slices that are landed: a dict of number, and a dict with last_key
    and landed (in milliseconds since 1970).
    Returns: a dict of slice, and a dict of key, the last that is kept, and nothing_new, whether there is none after it, neither staged
    nor in PostgreSQL.
#}
{% macro kept_rows(slicing, staged) %}
    {% set kept = {} %}
    {% for row in (run_query(_kept_rows(slicing, staged)) if staged and slicing.grows_with else []) %}
        {% do kept.update({row['slice'] | int: {'key': row['key'] | int, 'nothing_new': row['nothing_new'] | int == 1}}) %}
    {% endfor %}
    {% do return(kept) %}
{% endmacro %}


{# Of the keys that _last_old_rows() finds, those before which no staged row is newer. A table without the time is not checked. #}
{% macro _kept_rows(slicing, staged) %}
    {%- set time = slicing.grows_with %}
    {%- set last_old = postgres_query(_last_old_rows(slicing, staged)) ~ ' as last_old' %}
    select
        last_old.slice as slice,
        last_old.key as key,
        last_old.last_key <= last_old.key as nothing_new
    {%- if time in model.columns %}
    from {{ this }} as staged
    inner join {{ last_old }} on toInt64({{ slicing.number }}) = last_old.slice
    where {{ slicing.key }} <= last_old.key
    group by slice, key, nothing_new, last_old.at
    having ifNull(toUnixTimestamp64Milli(max(staged.{{ time }})), 0) <= last_old.at + {{ 1000 * var('settle_lag') }}
    {%- else %}
    from {{ last_old }}
    {%- endif %}
{% endmacro %}


{#
    PostgreSQL: of each slice, the last of the staged keys (key) whose row was not young when it was landed, the time of that row (at,
    in milliseconds since 1970), and the last key of all, be it staged or there now (last_key). These are looks at the key's index, which
    meets the young rows first.
#}
{% macro _last_old_rows(slicing, staged) %}
    {%- set parts = slicing.grows_with.split('.') -%}
    {%- set timed, timed_key = (postgres_table(parts[0]), 'id') if parts | length == 2 else (slicing.source, slicing.key) -%}
    {%- set at = '(extract(epoch from "' ~ parts[-1] ~ '") * 1000)::bigint' -%}
    select
        staged.slice,
        last_old.key,
        last_old.at,
        greatest(staged.staged_key, (
            select max("{{ slicing.key }}")
            from {{ slicing.source }}
            where "{{ slicing.key }}" >= staged.first_key and "{{ slicing.key }}" < staged.key_after
        )) as last_key
    from (
        values
        {%- for slice, found in staged.items() %}
        {%- set bounds = bounds_of_slice(slicing, slice) %}
        ({{ slice }}, {{ bounds[0] }}, {{ bounds[1] }}, {{ found.last_key }}, {{ found.landed - _young_for() }}){{ ',' if not loop.last }}
        {%- endfor %}
    ) as staged (slice, first_key, key_after, staged_key, old)
    cross join lateral (
        select
            "{{ timed_key }}" as key,
            {{ at }} as at
        from {{ timed }}
        where "{{ timed_key }}" between staged.first_key and staged.staged_key and {{ at }} <= staged.old
        order by "{{ timed_key }}" desc
        limit 1
    ) as last_old
{%- endmacro %}


{# For how many milliseconds a row is young: a day, or twice as long as a transaction may stay open. #}
{% macro _young_for() %}
    {% do return(1000 * [86400, 2 * var('settle_lag')] | max) %}
{% endmacro %}
