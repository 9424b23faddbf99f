{#
    Before models run: checks what was asked for, takes the locks, finishes what dead runs have left, and creates what the
    selected models need: tables of the PostgreSQL engine, and ledgers. All checks come before the first change.
#}
{% macro prepare_run() %}
    {% if execute %}
        {% do check_command() %}
        {% if _reads_the_models_of_the_log() %}
            {% do require_models_of_the_log() %}
        {% endif %}
    {% endif %}
    {% if execute and flags.WHICH in ['run', 'build'] %}
        {% set rooms = _selected_rooms() %}
        {% if rooms.run_lock %}
            {% do _require_generated_lists() %}
            {% do check_vars() %}
            {% do require_rows_of_retired_sources() %}
            {% set absent = check_postgres_sources() if rooms.staging else [] %}
            {% do _prepare_event_log(rooms) %}
            {% if acquire_run_lock('run_lock') %}
                {% do _refresh_cache() %}
            {% endif %}
            {% do create_landings() %}
            {% do create_looks() %}
            {% do create_publications() %}
            {% do replay_unfinished_publications() %}
            {% if rooms.staging %}
                {% do create_postgres_tables(absent) %}
            {% endif %}
        {% endif %}
        {% if rooms.marts %}
            {% if not rooms.run_lock %}
                {% do require_event_log() %}
                {% do create_publications() %}
            {% endif %}
            {% if acquire_run_lock('marts_lock') %}
                {% do _refresh_cache() %}
            {% endif %}
            {% do create_roll_up_ledgers() %}
        {% endif %}
    {% endif %}
{% endmacro %}


{#
    After models have run, even if they failed: releases the locks and prints what was found; the server comes last.
    Arguments: results, of on-run-end.
#}
{% macro end_run(results) %}
    {% if execute and flags.WHICH in ['run', 'build'] %}
        {% set rooms = _selected_rooms() %}
        {% for name, held in {'run_lock': rooms.run_lock, 'marts_lock': rooms.marts}.items() if held %}
            {% do release_run_lock(name) %}
        {% endfor %}
        {% do explain_unreadable_times(results) %}
    {% endif %}
    {% do describe_findings(results) %}
    {% do _say_whether_audited(results) %}
    {% if execute and flags.WHICH in ['run', 'build', 'test'] and target.type == 'clickhouse' %}
        {% do log(what_was_looked_at(), info=true) %}
    {% endif %}
{% endmacro %}


{# The log, the cutoffs and the server of this command, in the words that dbt and the scripts print at their end. #}
{% macro what_was_looked_at() -%}
    {%- set others = [] -%}
    {%- for entity_type in var('cutoffs') | sort -%}
        {%- do others.append(entity_type ~ ': ' ~ cutoff_of(entity_type)) -%}
    {%- endfor -%}
    {{- return(
        'Event log ' ~ var('event_log') ~ ', cutoff ' ~ main_cutoff() ~ ' UTC' ~ (' (' ~ others | join(', ') ~ ')' if others)
        ~ ', ClickHouse at ' ~ target.host ~ ':' ~ target.port ~ ', database ' ~ target.schema ~ ' (target ' ~ target.name ~ ')'
    ) -}}
{%- endmacro %}


{#
    Which rooms of the project this run builds in.
    Returns: a dict of true or false: staging, events, log (not counting its views), publishes, marts, and run_lock (whether the
    run needs that lock).
#}
{% macro _selected_rooms() %}
    {% set rooms = {'staging': false, 'events': false, 'log': false, 'publishes': false, 'marts': false} %}
    {% for unique_id in selected_resources if unique_id in graph.nodes and graph.nodes[unique_id].resource_type == 'model' %}
        {% set node = graph.nodes[unique_id] %}
        {% if node.fqn[1] in rooms and not (node.fqn[1] == 'log' and node.config.materialized == 'view') %}
            {% do rooms.update({node.fqn[1]: true}) %}
        {% endif %}
        {% if node.config.materialized == 'publication' %}
            {% do rooms.update({'publishes': true}) %}
        {% endif %}
    {% endfor %}
    {% do rooms.update({'run_lock': rooms.staging or rooms.events or rooms.log}) %}
    {% do return(rooms) %}
{% endmacro %}


{# Whether this command reads models of the log that it does not build. #}
{% macro _reads_the_models_of_the_log() %}
    {% do return(
        target.type == 'clickhouse'
        and flags.WHICH in ['run', 'build', 'test']
        and 'model.' ~ project_name ~ '.logged_events' not in selected_resources
        and load_relation(relation_named('logged_events'))
    ) %}
{% endmacro %}


{#
    Stops a run if the lists of scripts/generate.py are behind the models. It would land or publish too little, or publish what no
    test has compared, since dbt runs only those tests before a model that are upstream of it.
#}
{% macro _require_generated_lists() %}
    {% set behind = [] %}
    {% set pending = graph.nodes['model.' ~ project_name ~ '.pending_events'] %}
    {% set published = graph.nodes['model.' ~ project_name ~ '.published_events'] %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.fqn[1] == 'parity' and node.unique_id not in published.depends_on.nodes %}
        {% do behind.append('depends_on_expected_counts() lacks ' ~ node.name) %}
    {% endfor %}
    {% for node in events_models() %}
        {% if node.unique_id not in pending.depends_on.nodes %}
            {% do behind.append('all_events() lacks ' ~ node.name) %}
        {% endif %}
        {% for entity_type in node.config.meta.metrics | map(attribute='entity_type') | unique %}
            {% for read in [pending.unique_id] + node.depends_on.nodes if read in graph.nodes and snake_case(entity_type) not in graph.nodes[read].tags %}
                {% do behind.append('dbt_project.yml does not tag ' ~ graph.nodes[read].name ~ ' ' ~ snake_case(entity_type)) %}
            {% endfor %}
        {% endfor %}
    {% endfor %}
    {% if behind %}
        {% do exceptions.raise_compiler_error(
            'What scripts/generate.py writes is behind the models. Nothing was changed. Run scripts/generate.py --write.\n  - '
            ~ behind | unique | sort | join('\n  - ')
        ) %}
    {% endif %}
{% endmacro %}


{# Checks that there is an event log, and claims it if this run publishes. #}
{% macro _prepare_event_log(rooms) %}
    {% set traits = require_event_log() %}
    {% if rooms.log %}
        {% do check_event_log(traits) %}
        {% if rooms.publishes %}
            {% do check_log_views(traits) %}
            {% do claim_event_log() %}
        {% endif %}
    {% endif %}
{% endmacro %}


{# dbt listed the relations before this run waited for another one; this lists them again. #}
{% macro _refresh_cache() %}
    {% for row in list_relations_without_caching(api.Relation.create(schema=target.schema)) %}
        {% set type = 'view' if row[2] == 'view' else 'table' %}
        {% do adapter.cache_added(api.Relation.create(
            database='', schema=row[1], identifier=row[0], type=type, can_exchange=type == 'table' and adapter.can_exchange(row[1], type)
        )) %}
    {% endfor %}
{% endmacro %}


{#
    Prints which entity types this run has published without comparing them.
    Arguments: results, of on-run-end.
#}
{% macro _say_whether_audited(results) %}
    {% if execute and flags.WHICH in ['run', 'build'] and _selected_rooms().publishes %}
        {% set compared = {'events': [], 'corrections': []} %}
        {% for result in results if result.node.test_metadata and result.status == 'pass' %}
            {% set kind = {'source_parity': 'events', 'corrections_agree': 'corrections'}.get(result.node.test_metadata.name) %}
            {% if kind %}
                {% do compared[kind].append(graph.nodes[result.node.attached_node].config.meta.entity_type) %}
            {% endif %}
        {% endfor %}
        {% for kind, types in compared.items() %}
            {% set missing = query_column(
                'select distinct entity_type from ' ~ publications() ~ ' where ' ~ whole_windows(kind, ['published']) ~ " and publication = '"
                ~ invocation_id ~ "' and entity_type not in ('" ~ types | join("', '") ~ "') order by 1"
            ) %}
            {% if missing %}
                {% do log(
                    ('NOT' if types else 'NOTHING WAS') ~ ' AUDITED: published_' ~ kind ~ ' went into the log without parity of ' ~ missing | join(', ')
                    ~ '. dbt build audits before it publishes; dbt test audits the log as it is now.',
                    info=true
                ) %}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}
