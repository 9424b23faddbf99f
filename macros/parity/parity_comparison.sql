{#
    What an entity type's events add up to beside what they must add up to, where the two differ.

    Arguments:
        model   a model expected_*, as its node
        also    further expected counts, as a relation with the same columns; none: there are none
        events  the relation of the events, audited_events or one like it
        metric_types   the metrics that are compared
    Vars: parity (history: events before the cutoff; present: all), parity_sample, expected_counts.
    Returns: a select of entity_type, metric_type, entity_id, expected, actual and difference ('missing': no event at
    all, 'extra': nothing is expected, 'too low', 'too high').
#}
{% macro parity_comparison(model, also, events, metric_types) %}
    {{- parity_sides(model, also, events, metric_types) }}
    where expected.total != actual.total
{% endmacro %}


{#
    Every entity of an entity type that has an expected count or events, metric by metric.
    Arguments (model, also, events, metric_types), vars: as parity_comparison().
    Returns: a select of the columns of parity_comparison(), without a where clause; difference is '' where there is none.
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
    Arguments:
        model, also   as parity_comparison()
        moment   expected (before the cutoff) or expected_now
        sample   share of the entities, above 0 and at most 1
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
        {% if run_query('select n from ' ~ postgres_query(query)).rows[0][0] == 0 %}
            {% do exceptions.raise_compiler_error(
                'PostgreSQL has no view metric_parity.' ~ name ~ '. Make it with dbt run --target postgres'
                ~ ('_production' if target.name == 'production' else '') ~ ' --select tag:parity, or set the var expected_counts to query.'
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}


{# The condition that an event is one of those that parity looks at, of an entity_type and its metric_types. #}
{% macro in_parity_window(entity_type, metric_types) -%}
entityType = '{{ entity_type }}'
and metricType in ('{{ metric_types | join("', '") }}')
and {{ in_sample('entityId', var('parity_sample') | float) }}
{%- if var('parity') == 'history' %}
and createdAt < {{ utc_literal(truncated(cutoff_of(entity_type), log_decimals())) }}
{%- endif %}
{%- endmacro %}


{#
    The metrics of an entity type (entity_type) that this run answers for. Of dbt build, those that are due: what was published
    before is none of its business, and may have drifted since. Of dbt test, all.
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


{#
    After tests: what they found, line by line, in the log. dbt's own line says only how many rows a test returned.
    Arguments: results, of on-run-end.
#}
{% macro describe_parity(results) %}
    {% set absent = [] %}
    {% for result in results if execute and flags.WHICH in ['test', 'build'] and result.node.resource_type == 'test' and result.failures is not none %}
        {% set test = result.node.test_metadata.name if result.node.test_metadata else result.node.name %}
        {% set rows = result.node.relation_name %}
        {% if test == 'legacy_parity' %}
            {% do absent.extend(_describe_legacy_parity(rows)) %}
        {% elif test == 'source_parity' and result.failures %}
            {% do _describe_source_parity(rows) %}
        {% elif test == 'corrections_agree' and result.failures %}
            {% do _describe_contradicted_corrections(rows) %}
        {% elif test == 'every_metric_in_the_log_is_known' and result.failures %}
            {% do _describe_unknown_metrics(rows) %}
        {% elif result.failures %}
            {% do _describe_rows(result.node) %}
        {% endif %}
    {% endfor %}
    {% if absent %}
        {% do log('Not compared, since PostgreSQL does not have them: ' ~ absent | unique | sort | join(', '), info=true) %}
    {% endif %}
{% endmacro %}


{# The first rows that a test (node) found, in words: what a row is of, then what its other columns say, by name. #}
{% macro _describe_rows(node) %}
    {% set found = run_query('select * from ' ~ (node.relation_name or '(\n' ~ node.compiled_code ~ '\n)') ~ ' limit 6') %}
    {% do log(node.name ~ ':', info=true) %}
    {% for row in found.rows[:5] %}
        {% set words = [[row.get('entity_type'), row.get('metric_type')] | select | join(' ')] %}
        {% for name in found.column_names if name not in ['entity_type', 'metric_type'] and row[name] not in ['', none] %}
            {% do words.append((name | replace('_', ' ') ~ ' ' if name != 'problem') ~ row[name]) %}
        {% endfor %}
        {% do log('  - ' ~ words | select | join(', '), info=true) %}
    {% endfor %}
    {% if found.rows | length > 5 %}
        {% do log('  … and more', info=true) %}
    {% endif %}
{% endmacro %}


{% macro _describe_unknown_metrics(unknown) %}
    {% for row in run_query('select * from ' ~ unknown ~ ' order by entity_type, metric_type') %}
        {% set name = row['entity_type'] ~ ' ' ~ row['metric_type'] %}
        {% do log(
            name ~ ' is not in the catalog: ' ~ how_many(row['events'], 'event') ~ ', '
            ~ (row['backfilled_events'] or 'none') ~ ' of them backfilled, total ' ~ row['total']
            ~ (". To remove those: dbt run-operation remove_metric --args '{metric: " ~ name ~ "}'" if row['backfilled_events']),
            info=true
        ) %}
    {% endfor %}
{% endmacro %}


{% macro _describe_contradicted_corrections(contradicted) %}
    {% for row in run_query(
        'select entity_type, metric_type, count() as entities, argMax(entity_id, abs(correction)) as worst,'
        ~ ' argMax(expected, abs(correction)) as worst_expected, argMax(logged, abs(correction)) as worst_logged,'
        ~ ' argMax(correction, abs(correction)) as worst_correction from ' ~ contradicted
        ~ ' group by entity_type, metric_type order by entity_type, metric_type'
    ) %}
        {% do log(
            row['entity_type'] ~ ' ' ~ row['metric_type'] ~ ': ' ~ how_many(row['entities'], 'correction')
            ~ (' contradicts PostgreSQL; worst: ' if row['entities'] == 1 else ' contradict PostgreSQL; worst: ')
            ~ row['entity_type'] ~ ' ' ~ row['worst'] ~ ' has ' ~ row['worst_logged'] ~ ', PostgreSQL counts ' ~ row['worst_expected']
            ~ ', the correction would be ' ~ row['worst_correction'],
            info=true
        ) %}
    {% endfor %}
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


{# Returns: the legacy tables and columns that could not be compared, since they do not exist. #}
{% macro _describe_legacy_parity(differences) %}
    {% set absent = [] %}
    {% for row in run_query('select * from ' ~ differences ~ ' order by entity_type, metric_type') %}
        {% if row['absent'] %}
            {% do absent.append(row['absent']) %}
        {% else %}
            {% do log(
                row['entity_type'] ~ ' ' ~ row['metric_type'] ~ ' and ' ~ row['legacy_column'] ~ ': ' ~ row['differing'] ~ ' of '
                ~ how_many(row['entities'], 'entity') ~ (' differs' if row['differing'] == 1 else ' differ')
                ~ (' (known: ' ~ row['note'] ~ ')' if row['legacy_parity'] == 'known_difference' else ''),
                info=true
            ) %}
        {% endif %}
    {% endfor %}
    {% do return(absent) %}
{% endmacro %}
