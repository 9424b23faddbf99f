{#
    The condition for a row in ClickHouse to have a time that was perhaps read wrongly, or lies before 1970. ClickHouse reads
    -infinity, and times after the year 9999, as one of the first days of 1970.
    Arguments: node, a staging model.
#}
{% macro is_doubtful(node) -%}
    {%- for column in _time_columns(node) -%}
        {{ column }} < {{ utc_literal('1970-01-05 00:00:00.000') }} or {% endfor -%}
    false
{%- endmacro %}


{#
    Counts, in PostgreSQL, the times of a staging model that ClickHouse cannot read, and those before 1970.
    Arguments: node; where, which rows to look at, in PostgreSQL's dialect.
    Returns: a dict of unreadable and early, lists of texts that name table, column and number of rows.
#}
{% macro _find_times(node, where='true') %}
    {% set table = graph.sources[node.depends_on.nodes[0]].name %}
    {% set found = {'unreadable': [], 'early': []} %}
    {% for column in _time_columns(node) %}
        {% set count -%}
            select
                count(*) filter (where not isfinite("{{ column }}") or "{{ column }}" >= '10000-01-01') as unreadable,
                count(*) filter (where isfinite("{{ column }}") and "{{ column }}" < '1970-01-01') as early
            from {{ postgres_table(table) }}
            where {{ where }}
        {%- endset %}
        {% set counted = run_query('select unreadable, early from ' ~ postgres_query(count)).rows[0] %}
        {% for kind in found if counted[kind] | int %}
            {% do found[kind].append(table ~ '.' ~ column ~ ' in ' ~ how_many(counted[kind], 'row')) %}
        {% endfor %}
    {% endfor %}
    {% do return(found) %}
{% endmacro %}


{#
    Refuses slices with times that ClickHouse cannot read, and warns of times before 1970.
    Arguments: where, the slices' rows, in PostgreSQL's dialect.
#}
{% macro check_times(where) %}
    {% set found = _find_times(model, where) %}
    {% if found.unreadable %}
        {% do exceptions.raise_compiler_error(_unreadable_times(model.name, found) ~ ' The slices copied with them were not put in place.') %}
    {% endif %}
    {% if found.early %}
        {% do exceptions.warn(model.name ~ ': ' ~ found.early | join(', ') ~ ' lies before 1970; such events count as 1970-01-01 00:00:01.') %}
    {% endif %}
{% endmacro %}


{# The message about times that cannot be read. Arguments: name, of the staging model; found, of _find_times(). #}
{% macro _unreadable_times(name, found) -%}
    {{- return(
        name ~ ': ' ~ found.unreadable | join(', ') ~ ' is infinite or lies after the year 9999, which ClickHouse cannot read.'
        ~ ' Correct them in PostgreSQL.'
    ) -}}
{%- endmacro %}


{#
    Prints which rows made a staging model fail. ClickHouse cannot copy infinity, nor can PostgreSQL make a checksum of it, and
    neither names table and column.
    Arguments: results, of on-run-end.
#}
{% macro explain_unreadable_times(results) %}
    {% for result in results if result.status == 'error' and result.node.config.materialized == 'slices'
        and ('infinity' in result.message or 'bigint out of range' in result.message) %}
        {% set found = _find_times(graph.nodes[result.node.unique_id]) %}
        {% if found.unreadable %}
            {% do log(_unreadable_times(result.node.name, found), info=true) %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{% macro _time_columns(node) %}
    {% set names = [] %}
    {% for column in node.columns.values() if 'DateTime64' in column.data_type %}
        {% do names.append(column.name) %}
    {% endfor %}
    {% do return(names) %}
{% endmacro %}
