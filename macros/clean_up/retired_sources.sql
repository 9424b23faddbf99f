{#
    Whether a table of PostgreSQL is retired: nothing checks, lands or asks it any more, whether or not it still exists.
    Arguments: name, of the table.
#}
{% macro is_retired(name) %}
    {% set retired = var('retired_sources') %}
    {% do return(retired is sequence and retired is not string and retired is not mapping and name in retired) %}
{% endmacro %}


{# Refuses a var retired_sources that is no list of legacy tables. #}
{% macro check_retired_sources() %}
    {% set retired = var('retired_sources') %}
    {% do require_var(
        'retired_sources', retired is sequence and retired is not string and retired is not mapping, 'be a list of legacy tables, as in [BuzzTip]'
    ) %}
    {% for name in retired if name not in legacy_tables() %}
        {% do exceptions.raise_compiler_error(
            "The var retired_sources names '" ~ name ~ "', which is no legacy table; there are " ~ legacy_tables() | join(', ') ~ '.'
        ) %}
    {% endfor %}
{% endmacro %}


{#
    The retired tables that an events model takes rows from. If there is one, PostgreSQL no longer knows the truth of the
    model's metrics: the log alone counts them.
    Arguments: view, the events model's node.
    Returns: a list of names.
#}
{% macro retired_tables_of(view) %}
    {% set names = [] %}
    {% for unique_id in view.depends_on.nodes if unique_id in graph.nodes %}
        {% for source in graph.nodes[unique_id].depends_on.nodes if source in graph.sources and is_retired(graph.sources[source].name) %}
            {% do names.append(graph.sources[source].name) %}
        {% endfor %}
    {% endfor %}
    {% do return(names) %}
{% endmacro %}


{# The metrics that the log alone counts, as a dict: by metric ('Image Buzz') the retired tables, in words. #}
{% macro metrics_of_the_log_alone() %}
    {% set metrics = {} %}
    {% for view in events_models() %}
        {% set tables = retired_tables_of(view) | join(', ') %}
        {% for metric in view.config.meta.metrics if tables %}
            {% do metrics.update({name_of(metric): tables}) %}
        {% endfor %}
    {% endfor %}
    {% do return(metrics) %}
{% endmacro %}


{# What there is to say of the metrics that the log alone counts, in one line; '' where there are none. #}
{% macro said_of_the_log_alone() %}
    {% set metrics = metrics_of_the_log_alone() %}
    {% do return(
        'Counted by the log alone, since ' ~ metrics.values() | unique | join(', ') ~ ' is retired: ' ~ metrics | sort | join(', ') if metrics else ''
    ) %}
{% endmacro %}


{# The metric types of an entity type (entity_type) that PostgreSQL still knows the truth of, sorted. #}
{% macro compared_metric_types(entity_type) %}
    {% set compared, alone = [], metrics_of_the_log_alone() %}
    {% for metric_type in metric_types_of(entity_type) if entity_type ~ ' ' ~ metric_type not in alone %}
        {% do compared.append(metric_type) %}
    {% endfor %}
    {% do return(compared) %}
{% endmacro %}


{#
    Stops a run that would take the rows of a retired table from a staging table that does not hold them: its history would
    be published without them. Looks at the staging models that this run selects.
#}
{% macro require_rows_of_retired_sources() %}
    {% for node in graph.nodes.values() if node.unique_id in selected_resources and node.config.materialized == 'slices' %}
        {% set table = graph.sources[node.depends_on.nodes[0]].name %}
        {% if is_retired(table) and not (load_relation(landings()) and landing_of(relation_named(node.name)).complete) %}
            {% set metrics = metrics_of_the_log_alone() %}
            {% do exceptions.raise_compiler_error(
                table ~ ' is retired, but ' ~ relation_named(node.name) ~ ' does not hold the rows that it had: the history of '
                ~ metrics | sort | join(', ') ~ ' would lack them. Nothing was changed. Copy ' ~ node.name ~ ', and its rows of ' ~ landings().identifier
                ~ ', from the database that has them; or restore ' ~ table ~ ' from its backup and take it out of the var'
                ~ ' retired_sources for one backfill.'
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{#
    PostgreSQL: no rows, in the place and with the columns of a retired table. A view that is made with it does not depend on
    the table.
    Arguments: name, of a table of the source `postgres`.
#}
{% macro retired_table_in_postgres(name) -%}
    {%- set types = {'Int32': 'int', 'Int64': 'bigint', 'String': 'text', 'Bool': 'boolean', 'DateTime64': 'timestamp'} -%}
    {%- set columns = [] -%}
    {%- for source in graph.sources.values() if source.source_name == 'postgres' and source.name == name -%}
        {%- for column in source.columns.values() -%}
            {%- do columns.append('null::' ~ types[modules.re.search('Int32|Int64|String|Bool|DateTime64', column.data_type).group()] ~ ' as "' ~ column.name ~ '"') -%}
        {%- endfor -%}
    {%- endfor -%}
    (select {{ columns | join(', ') }} where false) as "{{ name }}"
{%- endmacro %}
