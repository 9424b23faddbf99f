{#
    A legacy *Metric table beside the event log. If the table has a timeframe, only AllTime is compared. Beside a live
    application, in dbt build and with {parity: present}, a difference no larger than what the entity's own live events have moved
    since the cutoff is none: the legacy jobs may go on filling the table.

    Arguments:
        table          a table of the source `legacy`, as its node
        catalog        the seed metric_catalog
        events         the relation of the events, audited_events
        metric_types   the metrics that are compared
    Returns: a select with one row for each metric of the catalog that differs, or whose counter PostgreSQL does not have:
    entity_type, metric_type, legacy_column, legacy_parity (exact or known_difference), note, absent (the missing table or column,
    else ''), entities (that have a count on either side), differing, missing, extra, too_low, too_high, and of the entity that
    differs most worst_entity, worst_expected and worst_actual.
    Raises: a compiler error if the table exists but may not be read.
#}
{% macro legacy_comparison(table, catalog, events, metric_types) %}
    {%- do check_parity_vars() -%}
    {%- set entity_type = table.name | replace('Metric', '') -%}
    {%- set entity_id = table.config.meta.primary_key[0] -%}
    {%- set sample = var('parity_sample') | float -%}
    {%- set is_history = 'createdAt < ' ~ utc_literal(truncated(cutoff_of(entity_type), log_decimals())) -%}
    {%- set differs = 'abs(legacy.total - actual.total) > actual.moved' -%}
    {%- set columns = [] if is_retired(table.name) else _readable_columns(table.name) -%}
    {%- set rules -%}
        select
            metric_type,
            legacy_column,
            legacy_parity,
            note,
            {% if columns -%}
            if(splitByChar('.', legacy_column)[2] in ('{{ columns | join("', '") }}'), '', legacy_column)
            {%- else -%}
            '{{ table.name }}'
            {%- endif %} as absent
        from {{ catalog }}
        where
            entity_type = '{{ entity_type }}'
            and metric_type in ('{{ metric_types | join("', '") }}')
            and legacy_parity in ('exact', 'known_difference')
    {%- endset -%}
    {%- set counted = [] -%}
    {%- for row in run_query(rules) if not row['absent'] -%}
        {%- do counted.append("('" ~ row['metric_type'] ~ "', m.\"" ~ row['legacy_column'].split('.')[1] ~ '")') -%}
    {%- endfor -%}
    {#- PostgreSQL's dialect #}
    {%- set legacy -%}
        select m."{{ entity_id }}"::bigint as entity_id, v.metric_type::text, v.total::bigint
        from {{ postgres_table(table.name) }} as m
        cross join lateral (values {{ counted | join(', ') }}) as v (metric_type, total)
        where {{ "m.timeframe = 'AllTime' and " if 'timeframe' in columns }}v.total <> 0 and {{ in_sample('m."' ~ entity_id ~ '"', sample) }}
    {%- endset -%}
    with legacy as (
        select
            assumeNotNull(metric_type) as metric_type,
            assumeNotNull(entity_id) as entity_id,
            assumeNotNull(total) as total
        from {{ postgres_query(legacy) if counted else "null('metric_type String, entity_id Int64, total Int64')" }}
    ),

    actual as (
        select
            toString(metricType) as metric_type,
            toInt64(entityId) as entity_id,
            toInt64(sumIf(metricValue, {{ is_history }})) as total,
            toInt64(sumIf(abs(metricValue), not ({{ is_history }}))) as moved
        from {{ events }}
        where
            entityType = '{{ entity_type }}'
            and metricType global in (select metric_type from ({{ rules }}) where absent = '')
            {%- if flags.WHICH != 'build' and var('parity') != 'present' %}
            and {{ is_history }}
            {%- endif %}
            and {{ in_sample('entityId', sample) }}
        group by metric_type, entity_id
        having total != 0 or moved != 0
    ),

    compared as (
        select
            metric_type,
            countIf(legacy.total != 0 or actual.total != 0) as entities,
            countIf({{ differs }}) as differing,
            countIf({{ differs }} and actual.total = 0) as missing,
            countIf({{ differs }} and legacy.total = 0) as extra,
            countIf({{ differs }} and actual.total < legacy.total and actual.total != 0) as too_low,
            countIf({{ differs }} and actual.total > legacy.total and legacy.total != 0) as too_high,
            argMax((entity_id, legacy.total, actual.total), ({{ differs }}, abs(legacy.total - actual.total))) as worst
        from legacy
        full outer join actual using (metric_type, entity_id)
        group by metric_type
    )

    select
        '{{ entity_type }}' as entity_type,
        metric_type,
        legacy_column,
        legacy_parity,
        note,
        absent,
        entities,
        differing,
        missing,
        extra,
        too_low,
        too_high,
        worst.1 as worst_entity,
        worst.2 as worst_expected,
        worst.3 as worst_actual
    from ({{ rules }}) as metrics
    left join compared using (metric_type)
    where differing > 0 or absent != ''
{% endmacro %}


{#
    The columns of a table in PostgreSQL (name); none if it does not exist. information_schema shows a role only what it may read,
    so a missing grant would look like a missing table there.
    Raises: a compiler error that names the grant if a column may not be read.
#}
{% macro _readable_columns(name) %}
    {% set query -%}
        select
            attname::text as name,
            has_column_privilege(attrelid, attnum, 'select')::int as readable,
            quote_ident(current_user)::text as reader
        from pg_attribute
        where attrelid = to_regclass('{{ postgres_table(name) }}') and attnum > 0 and not attisdropped
    {%- endset %}
    {% set columns = run_query('select name, readable, reader from ' ~ postgres_query(query)).rows %}
    {% for column in columns if not column['readable'] %}
        {% do exceptions.raise_compiler_error(
            'PostgreSQL has ' ~ name ~ ', but the role may not read it: grant select on ' ~ postgres_table(name) ~ ' to ' ~ column['reader']
            ~ ' (see scripts/postgres_grants.sql).'
        ) %}
    {% endfor %}
    {% do return(columns | map(attribute='name') | list) %}
{% endmacro %}
