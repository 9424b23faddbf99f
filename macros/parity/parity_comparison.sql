{#
    The entities of an entity type whose events do not add up to what is expected.

    Arguments:
        model          a model expected_*, as its node
        also           a relation with further expected counts; none: there are none
        events         the relation of the events, such as audited_events
        metric_types   the metrics that are compared
    Vars: parity (history: events before the cutoff; present: all), parity_sample, expected_counts.
    Returns: a select of entity_type, metric_type, entity_id, expected, actual and difference ('missing': there is no event;
    'extra': nothing is expected; 'too low'; 'too high').
#}
{% macro parity_comparison(model, also, events, metric_types) %}
    {{- parity_sides(model, also, events, metric_types) }}
    where expected.total != actual.total
{% endmacro %}


{#
    The same for every entity that has an expected count or events, whether or not the two differ; difference is '' if not. The
    select has no where clause.
#}
{% macro parity_sides(model, also, events, metric_types) %}
    {%- do check_parity_vars() -%}
    {%- do _require_view(model.name) -%}
    {%- set entity_type = model.config.meta.entity_type -%}
    {%- set expected = 'expected_now' if var('parity') == 'present' else 'expected' -%}
    {%- set sample = var('parity_sample') | float -%}
    with expected as (
        select *
        from (
            {{ expected_totals(model, also, expected, sample) | indent(12) }}
        )
        where metric_type in ('{{ metric_types | join("', '") }}')
    ),

    actual as (
        select
            toString(metricType) as metric_type,
            toInt64(entityId) as entity_id,
            toInt64(sum(metricValue)) as total,
            count() as events
        from {{ events }}
        where
            {{ in_parity_window(entity_type, metric_types) | indent(12) }}
        group by metric_type, entity_id
    )

    select
        '{{ entity_type }}' as entity_type,
        metric_type,
        entity_id,
        expected.total as expected,
        actual.total as actual,
        multiIf(
            expected.total = actual.total, '',
            actual.events = 0, 'missing',
            expected.total = 0, 'extra',
            actual.total < expected.total, 'too low',
            'too high'
        ) as difference
    from expected
    full outer join actual using (metric_type, entity_id)
{% endmacro %}


{#
    What the metrics of an entity type must add up to.
    Arguments: model and also, as in parity_comparison(); moment, expected (before the cutoff) or expected_now; sample, the share
    of the entities.
    Returns: a select of metric_type, entity_id and total.
#}
{% macro expected_totals(model, also, moment, sample=1) -%}
select
    metric_type,
    entity_id,
    {{ moment }} as total
from (
    {{ counts_from_postgres(render(model.raw_code), model.name, sample) | indent(4) }}
)
{%- if also %}
union all
select
    metric_type,
    entity_id,
    {{ moment }} as total
from {{ also }}
where entity_type = '{{ model.config.meta.entity_type }}' and {{ in_sample('entity_id', sample) }}
{%- endif %}
{%- endmacro %}


{% macro _require_view(name) %}
    {% if var('expected_counts') == 'view' %}
        {% set query -%}
            select count(*) as n from pg_views where schemaname = 'metric_parity' and viewname = '{{ name }}'
        {%- endset %}
        {% if query_value('select n from ' ~ postgres_query(query)) == 0 %}
            {% do exceptions.raise_compiler_error(
                'PostgreSQL has no view metric_parity.' ~ name ~ '. Make it with dbt run --target postgres'
                ~ ('_production' if target.name == 'production' else '') ~ ' --select tag:parity, or set the var expected_counts to query.'
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}


{# The condition for an event to be compared. Arguments: entity_type and metric_types, those that are compared. #}
{% macro in_parity_window(entity_type, metric_types) -%}
entityType = '{{ entity_type }}'
and metricType in ('{{ metric_types | join("', '") }}')
and {{ in_sample('entityId', var('parity_sample') | float) }}
{%- if var('parity') == 'history' %}
and createdAt < {{ utc_literal(truncated(cutoff_of(entity_type), log_decimals())) }}
{%- endif %}
{%- endmacro %}


{#
    The metrics of an entity type (entity_type) that this run answers for. dbt build answers for those that are due, since earlier
    history may have drifted; dbt test, for all.
#}
{% macro audited_metric_types(entity_type) %}
    {% if flags.WHICH == 'build' %}
        {% do return(query_column('select metric_type from (' ~ due_windows() ~ ") where entity_type = '" ~ entity_type ~ "' order by 1")) %}
    {% endif %}
    {% do return(metric_types_of(entity_type)) %}
{% endmacro %}


{#
    Checks the vars of parity.
    Raises: a compiler error that names the var, its value and what is allowed.
#}
{% macro check_parity_vars() %}
    {% do require_one_of('parity', ['history', 'present']) %}
    {% do require_one_of('expected_counts', ['query', 'view']) %}
    {% set sample = var('parity_sample') %}
    {% do require_var('parity_sample', sample is number and 0 < sample <= 1, 'be a share of the entities above 0 and at most 1, as in 0.01') %}
    {% set percent = var('legacy_error_percent') %}
    {% do require_var('legacy_error_percent', percent is number and 0 <= percent <= 100, 'be a percentage from 0 to 100') %}
{% endmacro %}
