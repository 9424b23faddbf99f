{#
    Whether this run brings the log to the truth of the present: only where it was asked for by name, with
    --select tag:reconcile or --selector reconcile. A plain dbt run or dbt build never writes corrections.
#}
{% macro reconciling() %}
    {% set asked = (invocation_args_dict.get('select') or []) | list + (invocation_args_dict.get('models') or []) | list %}
    {% do return('tag:reconcile' in asked | join(' ') or invocation_args_dict.get('selector') == 'reconcile') %}
{% endmacro %}


{#
    Checks the vars of reconcile.
    Raises: a compiler error that names the var, its value and what is allowed.
#}
{% macro check_reconcile_vars() %}
    {% if var('reconcile_mode') not in ['changed', 'full'] %}
        {% do exceptions.raise_compiler_error("The var reconcile_mode is '" ~ var('reconcile_mode') ~ "'; it must be one of changed, full.") %}
    {% endif %}
    {% set limit = var('reconcile_limit') %}
    {% if limit is not number or limit < 0 or limit > 1 %}
        {% do exceptions.raise_compiler_error("The var reconcile_limit is '" ~ limit ~ "'; it must be a share of the entities from 0 to 1, as in 0.01.") %}
    {% endif %}
    {% set lag = var('settle_lag') %}
    {% if lag is not integer or lag < 0 %}
        {% do exceptions.raise_compiler_error("The var settle_lag is '" ~ lag ~ "'; it must be a whole number of seconds, 0 or more.") %}
    {% endif %}
    {% if var('reconcile_dry_run') is not boolean %}
        {% do exceptions.raise_compiler_error("The var reconcile_dry_run is '" ~ var('reconcile_dry_run') ~ "'; it must be true or false.") %}
    {% endif %}
{% endmacro %}
