{#
    When each slice of a staging table was last seen as PostgreSQL has it: landed whole, or compared with it. A run that reconciles a
    share of the slices takes those whose look is the oldest. A slice of which only the end was read keeps its look.
#}
{% macro looks() %}
    {% do return(api.Relation.create(schema=target.schema, identifier='metric_looks', type='table')) %}
{% endmacro %}


{# Creates the table of looks if it does not exist. #}
{% macro create_looks() %}
    {% call statement('looks') %}
    create table if not exists {{ looks() }}
    (
        staging_table LowCardinality(String) comment 'the staging table',
        slice Int64 comment 'number of the slice',
        looked_at DateTime64(3, 'UTC') comment 'when the run began to read the table'
    )
    engine = MergeTree
    order by (staging_table, slice)
    comment 'When each slice of a staging table was landed whole or compared with PostgreSQL. Append-only.'
    {% endcall %}
{% endmacro %}


{#
    The slices that this run compares with PostgreSQL: the share reconcile_share of them, rounded up, the oldest looks first. So each
    slice is looked at within 1 / reconcile_share runs.
    Arguments: relation, the staging table; slices, all of its slices and of PostgreSQL's.
    Returns: a list of numbers.
#}
{% macro slices_to_compare(relation, slices) %}
    {% set looked_at = {} %}
    {% for row in run_query('select slice, look from (' ~ _latest_looks() ~ ") where staging_table = '" ~ relation.identifier ~ "'") %}
        {% do looked_at.update({row['slice'] | int: row['look']}) %}
    {% endfor %}
    {% set candidates = [] %}
    {% for slice in slices | unique %}
        {% do candidates.append((looked_at.get(slice, ''), slice)) %}
    {% endfor %}
    {% set share = (candidates | length * var('reconcile_share')) | round(0, 'ceil') | int %}
    {% do return((candidates | sort)[:share] | map('last') | list) %}
{% endmacro %}


{# The look of each slice. #}
{% macro _latest_looks() %}
    select
        staging_table,
        slice,
        toString(max(looked_at)) as look
    from {{ looks() }}
    group by
        staging_table,
        slice
{% endmacro %}


{# Of each staging table, the oldest look at a slice that it still has. #}
{% macro oldest_looks() %}
    select
        staging_table,
        min(look) as look
    from ({{ _latest_looks() }}) as latest
    where (staging_table, toString(slice)) in (
        select table, replace(partition_id, 'all', '0') from system.parts where active and database = '{{ target.schema }}'
    )
    group by staging_table
{% endmacro %}


{#
    Records the looks of a landing. A slice of which nothing is known, as a killed run leaves it, was looked at when it was landed.
    Arguments: relation, the staging table; began, when the landing began; slicing, of the materialization `slices`; looked_at, the
    slices that were landed whole or compared.
#}
{% macro enter_looks(relation, began, slicing, looked_at) %}
    {% call statement('looks') %}
    insert into {{ looks() }}
    select
        '{{ relation.identifier }}' as staging_table,
        toInt64({{ slicing.number }}) as slice,
        if(slice in {{ looked_at }}, {{ utc_literal(began) }}, toDateTime64(min(_landed_at), 3, 'UTC')) as looked_at
    from {{ relation }}
    where
        toInt64({{ slicing.number }}) in {{ looked_at }}
        or toInt64({{ slicing.number }}) not in (select slice from {{ looks() }} where staging_table = '{{ relation.identifier }}')
    group by slice
    {% endcall %}
{% endmacro %}
