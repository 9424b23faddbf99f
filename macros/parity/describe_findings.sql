{#
    After tests: prints what they found, one line each. dbt itself prints only how many rows a test returned.
    Arguments: results, of on-run-end.
#}
{% macro describe_findings(results) %}
    {% set absent, retired, compared = [], [], [] %}
    {% for result in results if execute and flags.WHICH in ['test', 'build'] and result.node.resource_type == 'test' and result.failures is not none %}
        {% set test = result.node.test_metadata.name if result.node.test_metadata else result.node.name %}
        {% set rows = result.node.relation_name %}
        {% if test == 'legacy_parity' %}
            {% for name in _describe_legacy_parity(rows) %}
                {% do (retired if is_retired(name) else absent).append(name) %}
            {% endfor %}
        {% elif test == 'source_parity' %}
            {% do compared.append(test) %}
            {% if result.failures %}
                {% do _describe_source_parity(rows) %}
            {% endif %}
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
    {% if retired %}
        {% do log('Not compared, since they are retired: ' ~ retired | unique | sort | join(', '), info=true) %}
    {% endif %}
    {% if compared and metrics_of_the_log_alone() %}
        {% do log(said_of_the_log_alone(), info=true) %}
    {% endif %}
{% endmacro %}


{#
    Prints the first rows that a test (node) found, in words: first the metric, then the other columns by name.
#}
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
        {% do log(
            name_of(row) ~ ' is not in the catalog: ' ~ how_many(row['events'], 'event') ~ ', '
            ~ (row['backfilled_events'] or 'none') ~ ' of them backfilled, total ' ~ row['total']
            ~ (". To remove those: dbt run-operation remove_metric --args '{metric: " ~ name_of(row) ~ "}'" if row['backfilled_events']),
            info=true
        ) %}
    {% endfor %}
{% endmacro %}


{% macro _describe_contradicted_corrections(contradicted) %}
    {% set worst_by_metric %}
        select
            entity_type,
            metric_type,
            count() as entities,
            argMax((entity_id, logged, expected, correction), abs(correction)) as worst,
            worst.1 as worst_entity,
            worst.2 as worst_logged,
            worst.3 as worst_expected,
            worst.4 as worst_correction
        from {{ contradicted }}
        group by entity_type, metric_type
        order by entity_type, metric_type
    {% endset %}
    {% for row in run_query('select * except worst from (' ~ worst_by_metric ~ ')') %}
        {% do log(
            name_of(row) ~ ': ' ~ how_many(row['entities'], 'correction')
            ~ (' contradicts PostgreSQL; worst: ' if row['entities'] == 1 else ' contradict PostgreSQL; worst: ')
            ~ row['entity_type'] ~ ' ' ~ row['worst_entity'] ~ ' has ' ~ row['worst_logged'] ~ ', PostgreSQL counts ' ~ row['worst_expected']
            ~ ', the correction would be ' ~ row['worst_correction'],
            info=true
        ) %}
    {% endfor %}
{% endmacro %}


{% macro _describe_source_parity(differences) %}
    {% set worst_by_metric %}
        select
            entity_type,
            metric_type,
            countIf(difference = 'missing') as missing,
            countIf(difference = 'extra') as extra,
            countIf(difference = 'too low') as low,
            countIf(difference = 'too high') as high,
            argMax((entity_id, actual, expected), abs(expected - actual)) as worst,
            worst.1 as worst_entity,
            worst.2 as worst_actual,
            worst.3 as worst_expected
        from {{ differences }}
        group by entity_type, metric_type
        order by entity_type, metric_type
    {% endset %}
    {% for row in run_query('select * except worst from (' ~ worst_by_metric ~ ')') %}
        {% do log(
            name_of(row) ~ ': ' ~ row['missing'] ~ ' missing, ' ~ row['extra'] ~ ' extra, '
            ~ row['low'] ~ ' too low, ' ~ row['high'] ~ ' too high; worst: ' ~ row['entity_type'] ~ ' ' ~ row['worst_entity']
            ~ ' has ' ~ row['worst_actual'] ~ ' instead of ' ~ row['worst_expected'],
            info=true
        ) %}
    {% endfor %}
    {% do log('  all of them: select * from ' ~ differences, info=true) %}
{% endmacro %}


{# Returns: the legacy tables and columns that PostgreSQL does not have, and that were not compared. #}
{% macro _describe_legacy_parity(differences) %}
    {% set absent = [] %}
    {% for row in run_query('select * from ' ~ differences ~ ' order by entity_type, metric_type') %}
        {% if row['absent'] %}
            {% do absent.append(row['absent']) %}
        {% else %}
            {% do log(
                name_of(row) ~ ' and ' ~ row['legacy_column'] ~ ': ' ~ row['differing'] ~ ' of '
                ~ how_many(row['entities'], 'entity') ~ (' differs' if row['differing'] == 1 else ' differ')
                ~ (' (known: ' ~ row['note'] ~ ')' if row['legacy_parity'] == 'known_difference' else ''),
                info=true
            ) %}
        {% endif %}
    {% endfor %}
    {% do return(absent) %}
{% endmacro %}
