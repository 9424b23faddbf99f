{# The application's event log, as a Relation. #}
{% macro event_log() %}
    {% set parts = var('event_log').split('.') %}
    {% do return(api.Relation.create(schema=parts | first, identifier=parts | last, type='table')) %}
{% endmacro %}


{#
    Creates the event log where it does not exist, and never touches one that does, whatever the flags: it
    holds live events that exist nowhere else.
#}
{% macro create_event_log() %}
    {% set there = run_query(
        "select count() from system.tables where database = '" ~ event_log().schema ~ "' and name = '" ~ event_log().identifier ~ "'"
    ) %}
    {% if there.rows[0][0] == 0 %}
        {% do run_query('create database if not exists ' ~ event_log().schema) %}
        {% do run_query(
            "create table if not exists " ~ event_log() ~ " ("
            ~ "entityType LowCardinality(String), entityId Int32, userId Int32, "
            ~ "metricType LowCardinality(String), metricValue Int32, createdAt DateTime64(3)"
            ~ ") engine = MergeTree partition by toYYYYMM(createdAt) order by (entityType, entityId, createdAt)"
        ) %}
    {% endif %}
{% endmacro %}


{# The columns of an event, in the order in which this project writes them. #}
{% macro event_columns() -%}
    {{- return('entityType, entityId, userId, metricType, metricValue, createdAt') -}}
{%- endmacro %}


{# What event_log_traits() needs to know, for acquire_run_lock(): the log's columns, and how many views hang off it. #}
{% macro event_log_facts() -%}
    select 'column' as kind, name, type as value
    from system.columns
    where database = '{{ event_log().schema }}' and table = '{{ event_log().identifier }}'
    union all
    select 'views', name, toString(length(dependencies_table))
    from system.tables
    where database = '{{ event_log().schema }}' and name = '{{ event_log().identifier }}'
{%- endmacro %}


{#
    What must be known of the event log to write to it.
    Arguments: lock, of acquire_run_lock() with event_log_facts(); none to ask for these now.
    Returns: a dict of types (column → type), decimals (digits of a second that createdAt keeps) and
    views (how many materialized views hang off it).
    Raises: a compiler error where columns are missing.
#}
{% macro event_log_traits(lock=none) %}
    {% set facts = lock.facts if lock else facts_of(event_log_facts()) %}
    {% set types = facts.get('column', {}) %}
    {% for column in event_columns().split(', ') if column not in types %}
        {% do release_and_raise(lock, 'The event log ' ~ var('event_log') ~ ' has no column ' ~ column ~ '; it must have ' ~ event_columns() ~ '.') %}
    {% endfor %}
    {% set precision = modules.re.search('DateTime64[(]([0-9])', types['createdAt']) %}
    {% do return({
        'types': types,
        'decimals': precision.group(1) | int if precision else 0,
        'views': facts.views[event_log().identifier] | int
    }) %}
{% endmacro %}
