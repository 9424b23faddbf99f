{#
    A legacy *Metric table beside the event log: one row per metric of the catalog for which at least one entity differs.

    Arguments:
        table     a table of the source `legacy`, as its node
        catalog   the seed metric_catalog
        events    the relation of the events, audited_events
        metric_types   the metrics that are compared
    Returns: a select of entity_type, metric_type, legacy_column, legacy_parity (exact or known_difference), note,
    entities (that have a count on either side), differing, missing, extra, too_low, too_high, and of the entity that
    differs most worst_entity, worst_expected and worst_actual.
#}
{% macro legacy_comparison(table, catalog, events, metric_types) %}
    {%- do check_parity_vars() -%}
    {%- set entity_type = table.name | replace('Metric', '') -%}
    {%- set entity_id = table.config.meta.primary_key[0] -%}
    {%- set sample = var('parity_sample') | float -%}
    {%- set rules -%}
        select metric_type, legacy_column, legacy_parity, note
        from {{ catalog }}
        where
            entity_type = '{{ entity_type }}'
            and metric_type in ('{{ metric_types | join("', '") }}')
            and legacy_parity in ('exact', 'known_difference')
    {%- endset -%}
    {%- set counted = ["('', 0)"] -%}
    {%- for row in run_query(rules) -%}
        {%- do counted.append("('" ~ row['metric_type'] ~ "', m.\"" ~ row['legacy_column'].split('.')[1] ~ '")') -%}
    {%- endfor -%}
    {#- PostgreSQL's dialect #}
    {%- set legacy -%}
        select m."{{ entity_id }}"::bigint as entity_id, v.metric_type::text, v.total::bigint
        from {{ postgres_table(table.name) }} as m
        cross join lateral (values {{ counted | join(', ') }}) as v (metric_type, total)
        where m.timeframe = 'AllTime' and v.total <> 0 and {{ in_sample('m."' ~ entity_id ~ '"', sample) }}
    {%- endset -%}
    with legacy as (
        select
            assumeNotNull(metric_type) as metric_type,
            assumeNotNull(entity_id) as entity_id,
            assumeNotNull(total) as total
        from {{ postgres_query(legacy) }}
    ),

    actual as (
        select
            toString(metricType) as metric_type,
            toInt64(entityId) as entity_id,
            toInt64(sum(metricValue)) as total
        from {{ events }}
        where
            entityType = '{{ entity_type }}'
            and metricType in (select metric_type from ({{ rules }}))
            and createdAt < {{ utc_literal(truncated(cutoff_of(entity_type), log_decimals())) }}
            and {{ in_sample('entityId', sample) }}
        group by metric_type, entity_id
        having total != 0
    ),

    compared as (
        select
            metric_type,
            count() as entities,
            countIf(legacy.total != actual.total) as differing,
            countIf(actual.total = 0) as missing,
            countIf(legacy.total = 0) as extra,
            countIf(actual.total < legacy.total and actual.total != 0) as too_low,
            countIf(actual.total > legacy.total and legacy.total != 0) as too_high,
            argMax((entity_id, legacy.total, actual.total), abs(legacy.total - actual.total)) as worst
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
        entities,
        differing,
        missing,
        extra,
        too_low,
        too_high,
        worst.1 as worst_entity,
        worst.2 as worst_expected,
        worst.3 as worst_actual
    from compared
    inner join ({{ rules }}) as metrics using (metric_type)
    where differing > 0
{% endmacro %}
