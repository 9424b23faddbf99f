{#
    What an entity type's events add up to beside what they must add up to, where the two differ.

    Arguments:
        model   a model expected_*, as its node
        also    further expected counts, as a relation with the same columns; none: there are none
    Vars: parity (history: events before the cutoff; present: all), parity_sample, expected_counts.
    Returns: a select of entity_type, metric_type, entity_id, expected, actual and difference ('missing': no event at
    all, 'extra': nothing is expected, 'too low', 'too high').
#}
{% macro parity_comparison(model, also=none) %}
    {{- _parity_sides(model, also) }}
    where expected.total != actual.total
{% endmacro %}


{#
    Every entity of an entity type that has an expected count or events, metric by metric.
    Arguments, vars: as parity_comparison().
    Returns: a select of the columns of parity_comparison(), without a where clause; difference is '' where there is none.
#}
{% macro _parity_sides(model, also=none) %}
    {%- do check_parity_vars() -%}
    {%- do _require_view(model.name) -%}
    {%- set entity_type = model.config.meta.entity_type -%}
    {%- set expected = 'expected_now' if var('parity') == 'present' else 'expected' -%}
    {%- set sample = var('parity_sample') | float -%}
    with expected as (
        select
            metric_type,
            entity_id,
            {{ expected }} as total
        from (
            {{ counts_from_postgres(render(model.raw_code), model.name, sample) | indent(12) }}
        )
        {%- if also %}
        union all
        select
            metric_type,
            entity_id,
            {{ expected }} as total
        from {{ also }}
        where entity_type = '{{ entity_type }}' and {{ in_sample('entity_id', sample) }}
        {%- endif %}
    ),

    actual as (
        select
            toString(metricType) as metric_type,
            toInt64(entityId) as entity_id,
            toInt64(sum(metricValue)) as total,
            count() as events
        from {{ event_log() }}
        where
            {{ _in_parity_window(entity_type) | indent(12) }}
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


{% macro _require_view(name) %}
    {% if var('expected_counts') == 'view' %}
        {% set query -%}
            select count(*) as n from pg_views where schemaname = 'metric_parity' and viewname = '{{ name }}'
        {%- endset %}
        {% if run_query('select n from ' ~ postgres_query(query)).rows[0][0] == 0 %}
            {% do exceptions.raise_compiler_error(
                'PostgreSQL has no view metric_parity.' ~ name ~ '. Make it with dbt run --target postgres --select tag:parity, or set the'
                ~ ' var expected_counts to query.'
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}


{# The condition that an event of the log is one of those that parity looks at. #}
{% macro _in_parity_window(entity_type) -%}
entityType = '{{ entity_type }}'
and metricType in ('{{ metric_types_of(entity_type) | join("', '") }}')
and {{ in_sample('entityId', var('parity_sample') | float) }}
{%- if var('parity') == 'history' %}
and createdAt < {{ utc_literal(truncated(cutoff_of(entity_type), event_log_traits().decimals)) }}
{%- endif %}
{%- endmacro %}


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


{#
    After dbt test: what the tests of parity found, metric by metric, in the log. dbt's own line says only how many
    rows a test returned. The rows stay in the table that is named.
    Arguments: results, of on-run-end.
#}
{% macro describe_parity(results) %}
    {% if execute and flags.WHICH in ['test', 'build'] %}
        {% for result in results if result.node.test_metadata and result.failures is not none %}
            {% set test = result.node.test_metadata.name %}
            {% if test == 'source_parity' and result.failures > 0 %}
                {% do _describe_source_parity(result.node.relation_name) %}
            {% elif test == 'legacy_parity' %}
                {% do _describe_legacy_parity(result.node.relation_name) %}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}


{% macro _describe_source_parity(differences) %}
    {% for row in run_query(
        "select entity_type, metric_type, countIf(difference = 'missing') as missing, countIf(difference = 'extra') as extra,"
        ~ " countIf(difference = 'too low') as low, countIf(difference = 'too high') as high,"
        ~ " argMax(entity_id, abs(expected - actual)) as worst, argMax(expected, abs(expected - actual)) as worst_expected,"
        ~ " argMax(actual, abs(expected - actual)) as worst_actual"
        ~ " from " ~ differences ~ " group by entity_type, metric_type order by entity_type, metric_type"
    ) %}
        {% do log(
            row['entity_type'] ~ ' ' ~ row['metric_type'] ~ ': ' ~ row['missing'] ~ ' missing, ' ~ row['extra'] ~ ' extra, '
            ~ row['low'] ~ ' too low, ' ~ row['high'] ~ ' too high; worst: ' ~ row['entity_type'] ~ ' ' ~ row['worst']
            ~ ' has ' ~ row['worst_actual'] ~ ' instead of ' ~ row['worst_expected'],
            info=true
        ) %}
    {% endfor %}
    {% do log('  all of them: select * from ' ~ differences, info=true) %}
{% endmacro %}


{% macro _describe_legacy_parity(differences) %}
    {% for row in run_query('select * from ' ~ differences ~ ' order by entity_type, metric_type') %}
        {% do log(
            row['entity_type'] ~ ' ' ~ row['metric_type'] ~ ' and ' ~ row['legacy_column'] ~ ': ' ~ row['differing'] ~ ' of '
            ~ row['entities'] ~ ' entities differ'
            ~ (' (known: ' ~ row['note'] ~ ')' if row['legacy_parity'] == 'known_difference' else ''),
            info=true
        ) %}
    {% endfor %}
{% endmacro %}
