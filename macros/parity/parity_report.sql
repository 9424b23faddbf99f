{#
    What scripts/parity_report.py and scripts/explain_metric.py look at. Without introspection, there need not be a log.
    Returns: JSON with the vars that decide what is compared, what was looked at in words, and the cutoff and metrics of each
    entity type.
#}
{% macro parity_settings() %}
    {#- dbt swallows errors while it parses. -#}
    {%- if execute -%}
        {%- do check_parity_vars() -%}
        {%- if flags.INTROSPECT | default(true) -%}
            {%- do require_models_of_the_log() -%}
        {%- endif -%}
    {%- endif -%}
    {%- set entity_types = {} -%}
    {%- for test in _parity_tests() -%}
        {%- do entity_types.update({test.entity_type: {'cutoff': cutoff_of(test.entity_type), 'metrics': compared_metric_types(test.entity_type)}}) -%}
    {%- endfor -%}
    {%- set names = ['parity', 'parity_sample', 'expected_counts', 'event_log', 'legacy_error_percent', 'retired_sources'] -%}
    {%- set settings = {'entity_types': entity_types, 'looked_at': what_was_looked_at(), 'log_alone': metrics_of_the_log_alone(), 'said_of_the_log_alone': said_of_the_log_alone()} -%}
    {%- for name in names -%}
        {%- do settings.update({name: var(name)}) -%}
    {%- endfor -%}
    {{- tojson(settings) -}}
{% endmacro %}


{#
    Each metric of an entity type (entity_type), whether or not it differs: the totals of both sides, and how many entities differ.
    Vars: as parity_comparison().
    Returns: a select of entity_type, metric_type, expected, actual, entities (that have a count on either side), differing,
    missing, extra, too_low, too_high, and of the entity that differs most worst_entity, worst_expected and worst_actual.
#}
{% macro parity_report_pairs(entity_type) %}
    {%- for test in _parity_tests() if test.entity_type == entity_type %}
    with sides as (
        {{ parity_sides(test.model, test.also, relation_named('audited_events'), compared_metric_types(entity_type)) | indent(8) }}
    ),

    compared as (
        select
            metric_type,
            sum(sides.expected) as expected,
            sum(sides.actual) as actual,
            countIf(sides.expected != 0 or sides.actual != 0) as entities,
            countIf(difference != '') as differing,
            countIf(difference = 'missing') as missing,
            countIf(difference = 'extra') as extra,
            countIf(difference = 'too low') as too_low,
            countIf(difference = 'too high') as too_high,
            argMax((entity_id, sides.expected, sides.actual), abs(sides.expected - sides.actual)) as worst
        from sides
        group by metric_type
    )

    select
        '{{ entity_type }}' as entity_type,
        metric_type,
        compared.* except (metric_type, worst),
        worst.1 as worst_entity,
        worst.2 as worst_expected,
        worst.3 as worst_actual
    from (select arrayJoin(['{{ compared_metric_types(entity_type) | join("', '") }}']) as metric_type) as metrics
    left join compared using (metric_type)
    order by metric_type
    {%- endfor %}
{% endmacro %}


{#
    How many of the compared events were created in each month (UTC).
    Returns: a select of entity_type, month and events.
#}
{% macro parity_report_months() %}
    {%- for test in _parity_tests() %}
    select
        '{{ test.entity_type }}' as entity_type,
        toStartOfMonth(toDateTime64(createdAt, 3, 'UTC')) as month,
        count() as events
    from {{ relation_named('audited_events') }}
    where
        {{ in_parity_window(test.entity_type, compared_metric_types(test.entity_type)) | indent(8) }}
    group by month
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    order by entity_type, month
{% endmacro %}


{#
    How many entities were corrected on each day (UTC), by the ledger.
    Returns: a select of day, entity_type, entities and value (the sum of the corrections).
#}
{% macro parity_report_corrections() %}
    select
        toDate(window_end) as day,
        entity_type,
        sum(rows) as entities,
        sum(value_sum) as value
    from {{ publications() }}
    where {{ whole_windows('corrections', ['published']) }}
    group by day, entity_type
    order by day, entity_type
{% endmacro %}


{#
    What each entity type is compared with, as the tests source_parity say.
    Returns: a list of dicts entity_type, model (its node) and also (further expected counts: SQL in brackets, or none).
#}
{% macro _parity_tests() %}
    {% set found = [] %}
    {% for test in graph.nodes.values() | selectattr('resource_type', 'eq', 'test') | sort(attribute='name') if execute %}
        {% if test.test_metadata and test.test_metadata.name == 'source_parity' %}
            {% set model = graph.nodes[test.attached_node] %}
            {% set also = graph.nodes['model.' ~ project_name ~ '.expected_application_metrics'] %}
            {% do found.append({
                'entity_type': model.config.meta.entity_type,
                'model': model,
                'also': '(' ~ render(also.raw_code) ~ ')' if also.unique_id in test.depends_on.nodes else none
            }) %}
        {% endif %}
    {% endfor %}
    {% do return(found) %}
{% endmacro %}
