{# The application's event log, as a Relation. #}
{% macro event_log() %}
    {% set parts = var('event_log').split('.') %}
    {% do return(api.Relation.create(schema=parts | first, identifier=parts | last, type='table')) %}
{% endmacro %}


{#
    A model's relation by its name. ref() would add a dependency, and with it a test to every run that builds what the test reads.
    Arguments: name. Returns: a Relation.
#}
{% macro relation_named(name) %}
    {% do return(api.Relation.create(schema=target.schema, identifier=name)) %}
{% endmacro %}


{# The columns of an event, in the order in which this project writes them. #}
{% macro event_columns() -%}
    {{- return('entityType, entityId, userId, metricType, metricValue, createdAt') -}}
{%- endmacro %}


{#
    As a run-operation: dbt run-operation create_event_log. Creates the event log if it does not exist. No run does it on its
    own, since a mistyped name would become another log.
#}
{% macro create_event_log() %}
    {% do check_command() %}
    {% do run_query('create database if not exists ' ~ event_log().schema) %}
    {% call statement('event_log') %}
    create table if not exists {{ event_log() }}
    (
        entityType LowCardinality(String),
        entityId Int32,
        userId Int32,
        metricType LowCardinality(String),
        metricValue Int32,
        createdAt DateTime64(3)
    )
    engine = MergeTree
    partition by toYYYYMM(createdAt)
    order by (entityType, entityId, createdAt)
    {% endcall %}
{% endmacro %}


{#
    Stops a run whose var event_log names no table.
    Returns: event_log_traits().
    Raises: a compiler error that names the log, and how to create it.
#}
{% macro require_event_log() %}
    {% set traits = event_log_traits() %}
    {% if not traits.types %}
        {% do exceptions.raise_compiler_error(
            'There is no event log ' ~ var('event_log') ~ '. Nothing was changed. If its name is as you meant it (the var event_log),'
            ~ " create it: dbt run-operation create_event_log --vars '{event_log: " ~ var('event_log') ~ "}'."
        ) %}
    {% endif %}
    {% do return(traits) %}
{% endmacro %}


{#
    Stops a run whose var event_log names another log than the models read: a view reads the log that it was built for.
    Raises: a compiler error that names both logs, or says that there is no such log or no such model.
#}
{% macro require_models_of_the_log() %}
    {% do require_event_log() %}
    {% set relation = relation_named('logged_events') %}
    {% set read = query_value(
        "select extract(replaceAll(as_select, '`', ''), 'FROM ([^ ]+)') from system.tables where database = '" ~ relation.schema
        ~ "' and name = '" ~ relation.identifier ~ "'"
    ) %}
    {% if read != var('event_log') %}
        {% do exceptions.raise_compiler_error(
            'The models in the database ' ~ relation.schema
            ~ (' read the event log ' ~ read ~ ', and the var event_log names ' ~ var('event_log') if read else ' do not read any event log yet')
            ~ '. Nothing was changed. '
            ~ ("Ask about the former with --vars '{event_log: " ~ read ~ "}', or build" if read else 'Build')
            ~ " them for the latter: dbt build --select tag:backfill --vars '{event_log: " ~ var('event_log') ~ "}'."
        ) %}
    {% endif %}
{% endmacro %}


{#
    What a run must know of the event log to publish to it.
    Returns: a dict of engine ('' if there is no such table), engine_full, columns_ddl, types (column → type), surplus (further
    columns without a default), decimals (digits of a second that createdAt keeps), views (its materialized views), and shards
    (none, or shards_of() a Distributed log; then engine, engine_full and columns_ddl are those of its tables).
#}
{% macro event_log_traits() %}
    {% set found = query_dicts(
        "select engine, engine_full, splitByString(' ENGINE = ', create_table_query)[1] as columns_ddl,"
        ~ " arrayStringConcat(arrayMap((d, t) -> d || '.' || t, dependencies_database, dependencies_table), ' ') as views"
        ~ " from system.tables where database = '" ~ event_log().schema ~ "' and name = '" ~ event_log().identifier ~ "'"
    ) %}
    {% set traits = found[0] if found else {'engine': '', 'views': ''} %}
    {% do traits.update({'views': traits.views.split(), 'types': {}, 'surplus': [], 'shards': none}) %}
    {% for column in run_query(
        "select name, type, default_kind from system.columns where database = '" ~ event_log().schema ~ "' and table = '" ~ event_log().identifier
        ~ "' order by position"
    ) %}
        {% do traits.types.update({column['name']: column['type']}) %}
        {% if column['name'] not in event_columns().split(', ') and column['default_kind'] == '' %}
            {% do traits.surplus.append(column['name']) %}
        {% endif %}
    {% endfor %}
    {% do traits.update({'decimals': _decimals(traits.types.get('createdAt', ''))}) %}
    {% if traits.engine == 'Distributed' %}
        {% do traits.update(traits_of_shards(traits)) %}
    {% endif %}
    {% do return(traits) %}
{% endmacro %}


{#
    Refuses an event log that would not keep events as they are published.
    Arguments: traits, of event_log_traits().
    Raises: a compiler error that lists all that is wrong with the log, and what it must be like.
#}
{% macro check_event_log(traits) %}
    {% set faults = faults_of_shards(traits) if traits.shards else [] %}
    {% set keeps = ['MergeTree', 'ReplicatedMergeTree', 'SharedMergeTree'] %}
    {% if traits.engine and traits.engine not in keeps %}
        {% do faults.append(
            ('the engine of ' ~ traits.shards.table if traits.shards else 'its engine') ~ ' is ' ~ traits.engine ~ ', which '
            ~ ('changes events after they were published' if traits.engine.endswith('MergeTree') else 'cannot take whole partitions')
            ~ '; it must be one of ' ~ keeps | join(', ') ~ ('' if traits.shards else ', or Distributed over them')
        ) %}
    {% endif %}
    {% set ttl = modules.re.search(' TTL (.*?)(?: SETTINGS |$)', traits.engine_full) %}
    {% if ttl %}
        {% for rule in ttl.group(1).split(', ') if not modules.re.search(' (TO (DISK|VOLUME)|RECOMPRESS) ?', rule) %}
            {% do faults.append('it has a TTL that deletes or changes events: ' ~ rule) %}
        {% endfor %}
    {% endif %}
    {% if ' TTL ' in traits.columns_ddl %}
        {% do faults.append('one of its columns has a TTL, which resets values') %}
    {% endif %}
    {% set fitting = {
        'entityType': 'String', 'metricType': 'String', 'entityId': 'U?Int(32|64)', 'userId': 'U?Int(32|64)',
        'metricValue': 'U?Int(32|64)', 'createdAt': 'DateTime(64)?([(].*)?'
    } %}
    {% for column in event_columns().split(', ') %}
        {% set type = traits.types.get(column) %}
        {% if not type %}
            {% do faults.append('it has no column ' ~ column) %}
        {% elif not modules.re.match('^(LowCardinality[(])?' ~ fitting[column] ~ '[)]?$', type) %}
            {% do faults.append('its column ' ~ column ~ ' is ' ~ type ~ '; it must match ' ~ fitting[column]) %}
        {% endif %}
    {% endfor %}
    {% for column in traits.surplus %}
        {% do faults.append('its column ' ~ column ~ ' has no default, and no event fills it') %}
    {% endfor %}
    {% if faults %}
        {% do exceptions.raise_compiler_error(
            'The event log ' ~ var('event_log') ~ ' cannot be published to. Nothing was copied.\n  - ' ~ faults | join('\n  - ')
            ~ '\nName another log in the var event_log, or have this one altered; see models/sources/event_log.yml.'
        ) %}
    {% endif %}
{% endmacro %}


{#
    Refuses a log with materialized views, unless the var log_views says what they are to see.
    Arguments: traits, of event_log_traits().
    Raises: a compiler error that names the views and both ways out.
#}
{% macro check_log_views(traits) %}
    {% if traits.views and traits.shards and var('log_views') != 'feed' %}
        {% do exceptions.raise_compiler_error(
            'Materialized views hang off the event log ' ~ var('event_log') ~ ' or its shards: ' ~ traits.views | join(', ')
            ~ '. A Distributed log is inserted into, so they see what is published. Nothing was copied. Let them, with --vars'
            ~ " '{log_views: feed}' (exact in the log, and in the views unless the run is killed), or detach them."
        ) %}
    {% elif traits.views and var('log_views') == 'stop' %}
        {% do exceptions.raise_compiler_error(
            'Materialized views hang off the event log ' ~ var('event_log') ~ ': ' ~ traits.views | join(', ')
            ~ '. Attaching partitions to the log bypasses them. Nothing was copied. Choose what they are to'
            ~ " see with --vars '{log_views: skip}' (attach; the SQL that fills each of them is printed) or '{log_views: feed}'"
            ~ ' (insert through the views: exact in the log, and in the views unless the run is killed).'
        ) %}
    {% endif %}
{% endmacro %}


{#
    Claims the log for the models of this database: two databases that publish to one log would double its events. The claim is
    an empty table beside the log, whose comment names the database. Creating a table is atomic.
    Raises: a compiler error that names the database that has claimed the log, and the way out.
#}
{% macro claim_event_log() %}
    {% do run_query(
        'create table if not exists ' ~ _claim() ~ " (nothing UInt8) engine = Memory comment '" ~ target.schema ~ "'"
    ) %}
    {% set claimed_by = query_value(
        "select comment from system.tables where database = '" ~ _claim().schema ~ "' and name = '" ~ _claim().identifier ~ "'"
    ) %}
    {% if claimed_by != target.schema %}
        {% do exceptions.raise_compiler_error(
            'The event log ' ~ var('event_log') ~ " is published to by the models in the database '" ~ claimed_by ~ "', not by those in '"
            ~ target.schema ~ "'; two would double its events. Nothing was copied. Run dbt for that database ("
            ~ ('SANDBOX_' if target.name == 'sandbox' else '') ~ 'CLICKHOUSE_DATABASE=' ~ claimed_by
            ~ '), or, if its models are no longer used, release the log first: dbt run-operation release_event_log.'
        ) %}
    {% endif %}
{% endmacro %}


{#
    As a run-operation: dbt run-operation release_event_log. Lets the models of another database publish to the log. The events
    stay; the other database's first run takes those over that equal its own.
#}
{% macro release_event_log() %}
    {% do check_command() %}
    {% do require_event_log() %}
    {% do run_query('drop table if exists ' ~ _claim() ~ ' sync') %}
    {% do log('No database claims the event log ' ~ var('event_log') ~ ' any more.', info=true) %}
{% endmacro %}


{% macro _claim() %}
    {% do return(api.Relation.create(schema=event_log().schema, identifier=event_log().identifier ~ '_claim', type='table')) %}
{% endmacro %}


{# The digits of a second that the event log keeps; three without introspection. #}
{% macro log_decimals() %}
    {% if not execute or not flags.INTROSPECT | default(true) %}
        {% do return(3) %}
    {% endif %}
    {% do return(_decimals(query_value(
        "select type from system.columns where database = '" ~ event_log().schema ~ "' and table = '" ~ event_log().identifier
        ~ "' and name = 'createdAt'"
    ) or '')) %}
{% endmacro %}


{% macro _decimals(type) %}
    {% set precision = modules.re.search('DateTime64[(]([0-9])', type) %}
    {% do return(precision.group(1) | int if precision else 0) %}
{% endmacro %}


{# A time as the event log keeps it. Arguments: time, SQL. #}
{% macro as_logged(time) -%}
    {%- set decimals = log_decimals() -%}
    {{- 'toDateTime64(' ~ time ~ ', ' ~ decimals ~ ", 'UTC')" if decimals < 3 else time -}}
{%- endmacro %}
