{#
    Refuses a command that cannot mean what it says, before anything is done: a var that the project does not know, a name or a
    cutoff that cannot be one, --empty and --sample, and a PostgreSQL target for anything but parity. Every run and test begins
    with it, and so does every run-operation and whatever the scripts render.
    Raises: a compiler error that names the fault and the way out.
#}
{% macro check_command() %}
    {% for name in invocation_args_dict.get('vars') or {} if name not in known_vars() %}
        {% do exceptions.raise_compiler_error(
            "The project has no var '" ~ name ~ "'. Did you mean " ~ _nearest(name, known_vars()) ~ '? All of them: ' ~ known_vars() | join(', ') ~ '.'
        ) %}
    {% endfor %}
    {% for option in ['empty', 'sample'] if invocation_args_dict.get(option) %}
        {% do exceptions.raise_compiler_error(
            '--' ~ option ~ ' leaves out rows, but landing and publishing need all of them. For a quick run choose a part of the'
            ~ ' metrics (dbt build --select tag:tag), or a small sandbox (scripts/sandbox.py seed --scale 0.1).'
        ) %}
    {% endfor %}
    {% if target.type == 'postgres' %}
        {% if flags.WHICH == 'run-operation' and invocation_args_dict.get('macro') != 'remove_legacy_tables' %}
            {% do exceptions.raise_compiler_error(
                'The target ' ~ target.name ~ ' is PostgreSQL. Only the views of expected counts are built there. Run-operations but for remove_legacy_tables belong to ClickHouse.'
            ) %}
        {% endif %}
        {% for unique_id in selected_resources if not unique_id.startswith('model.') or graph.nodes[unique_id].fqn[1] != 'parity' %}
            {% do exceptions.raise_compiler_error(
                'The target ' ~ target.name ~ ' is PostgreSQL. Only the views of expected counts are built there: dbt run --target ' ~ target.name
                ~ ' --select tag:parity. ' ~ unique_id.split('.')[2] ~ ' belongs to ClickHouse.'
            ) %}
        {% endfor %}
    {% endif %}
    {% do _check_names() %}
    {% do _check_cutoffs() %}
    {% do check_retired_sources() %}
{% endmacro %}


{#
    dbt calls this while it parses, before it creates databases: so a database that is not a plain name is an error in time.
    Arguments: custom_schema_name and node, as dbt gives them.
    Raises: a compiler error that names the database.
#}
{% macro generate_schema_name(custom_schema_name, node) %}
    {% if not _is_plain(target.schema) %}
        {% do exceptions.raise_compiler_error(
            "The database of the models is '" ~ target.schema ~ "'; it must be a plain name: letters, digits and underscores. See CLICKHOUSE_DATABASE."
        ) %}
    {% endif %}
    {% do return(default__generate_schema_name(custom_schema_name, node)) %}
{% endmacro %}


{# All vars of dbt_project.yml. dbt does not tell macros which there are; a test compares the two lists. #}
{% macro known_vars() %}
    {% do return([
        'cutoff', 'cutoffs', 'live_events', 'event_log', 'on_conflict', 'log_views', 'excluded_generation_versions',
        'postgres_collection', 'postgres_schema', 'slice_size', 'parallel_slices', 'retired_sources', 'lock_patience', 'settle_lag',
        'parity', 'parity_sample', 'expected_counts', 'legacy_error_percent', 'reconcile_mode', 'reconcile_share',
        'reconcile_limit', 'reconcile_dry_run'
    ]) %}
{% endmacro %}


{# The one of some names that shares the most pairs of letters with a name. #}
{% macro _nearest(name, names) %}
    {% set nearest = namespace(name='', likeness=-1) %}
    {% for candidate in names %}
        {% set shared = [] %}
        {% for first in range(name | length - 1) if name[first:first + 2] in candidate %}
            {% do shared.append(first) %}
        {% endfor %}
        {% set likeness = 2 * (shared | length) / (name | length + candidate | length) %}
        {% if likeness > nearest.likeness %}
            {% set nearest.name, nearest.likeness = candidate, likeness %}
        {% endif %}
    {% endfor %}
    {% do return(nearest.name) %}
{% endmacro %}


{% macro _is_plain(name) %}
    {% do return(modules.re.match('^[A-Za-z_][A-Za-z0-9_]*$', name)) %}
{% endmacro %}


{# Names from vars become part of statements. #}
{% macro _check_names() %}
    {% for name in ['postgres_collection', 'postgres_schema'] %}
        {% do require_var(name, _is_plain(var(name) | string), 'be a plain name: letters, digits and underscores') %}
    {% endfor %}
    {% set names = (var('event_log') | string).split('.') %}
    {% do require_var('event_log', names | length == 2 and _is_plain(names[0]) and _is_plain(names[1]), 'be <database>.<table>, both plain names: letters, digits and underscores') %}
    {% do require_var('event_log', names[0] | lower not in ['system', 'information_schema'], "not lie in one of ClickHouse's own databases") %}
{% endmacro %}


{% macro _check_cutoffs() %}
    {% do require_var('cutoffs', var('cutoffs') is mapping, "map entity types to times, as in {Image: '2024-09-01 00:00:00'}") %}
    {% for entity_type in var('cutoffs') if entity_type not in entity_types() %}
        {% do exceptions.raise_compiler_error(
            "The var cutoffs names '" ~ entity_type ~ "', which is no entity type; there are " ~ entity_types() | join(', ') ~ '.'
        ) %}
    {% endfor %}
    {% do last_cutoff() %}
{% endmacro %}


{# The target of PostgreSQL that belongs to this one. Arguments: name, postgres or postgres_owner. #}
{% macro postgres_target(name) -%}
    {{- return(name ~ ('_production' if 'production' in target.name)) -}}
{%- endmacro %}
