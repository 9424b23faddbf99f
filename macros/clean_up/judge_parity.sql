{#
    What parity of the present has against the removal of legacy tables, in words: a list of lines. Metrics that PostgreSQL
    still knows the truth of must agree. Of those that the log alone counts, the log must have no less than PostgreSQL: since
    their table was retired, it may have more.

    What differs is looked at a second time, ten seconds later, since both sides are read at two moments. An entity that has
    an event within settle_lag is left out then.
    Arguments: names, of the legacy tables that exist.
#}
{% macro _said_of_parity(names) %}
    {% set found, lines = {}, [] %}
    {% for test in _parity_tests() %}
        {% set differing = entities_that_differ(_differences_of(test, names)) %}
        {% if differing %}
            {% do found.update({test.entity_type: differing}) %}
        {% endif %}
    {% endfor %}
    {% if found %}
        {% do wait_for_the_second_look() %}
    {% endif %}
    {% for test in _parity_tests() if test.entity_type in found %}
        {% set again %}
            select
                metric_type,
                count() as entities,
                argMax((entity_id, actual, expected), abs(actual - expected)) as worst
            from ({{ _differences_of(test, names) }})
            where
                (metric_type, entity_id) in ({{ found[test.entity_type] | join(', ') }})
                and (metric_type, entity_id) not in (
                    {{ entities_with_young_events(test.entity_type, relation_named('audited_events')) | indent(20) }}
                )
            group by metric_type
            order by metric_type
        {% endset %}
        {% for row in run_query('select metric_type, entities, worst.1 as id, worst.2 as actual, worst.3 as expected from (' ~ again ~ ')') %}
            {% do lines.append(
                'Parity is red: ' ~ test.entity_type ~ ' ' ~ row['metric_type'] ~ ' differs for ' ~ how_many(row['entities'], 'entity') ~ '; worst: '
                ~ test.entity_type ~ ' ' ~ row['id'] ~ ' has ' ~ row['actual'] ~ ' instead of ' ~ row['expected']
            ) %}
        {% endfor %}
    {% endfor %}
    {% do return(lines) %}
{% endmacro %}


{# The entities of an entity type (test, of _parity_tests()) whose totals speak against the removal. #}
{% macro _differences_of(test, names) %}
    {% set alone = [] %}
    {% for metric, tables in metrics_of_the_log_alone().items() if metric.split(' ')[0] == test.entity_type and tables.split(', ') | select('in', names) | list %}
        {% do alone.append(metric.split(' ')[1]) %}
    {% endfor %}
    {# Retired or not, the tables are read here, as long as they exist. #}
    {% set model = {
        'name': test.model.name,
        'config': test.model.config,
        'raw_code': test.model.raw_code | replace('source_in_postgres(', 'postgres_table(') if alone else test.model.raw_code
    } %}
    select *
    from (
        {{ parity_comparison(model, test.also, relation_named('audited_events'), compared_metric_types(test.entity_type) + alone) }}
    )
    {%- if alone %}
    where not (metric_type in ('{{ alone | join("', '") }}') and actual > expected)
    {%- endif %}
{% endmacro %}
