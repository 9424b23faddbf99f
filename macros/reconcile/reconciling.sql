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
    {% do require_one_of('reconcile_mode', ['changed', 'full']) %}
    {% set limit, lag = var('reconcile_limit'), var('settle_lag') %}
    {% do require_var('reconcile_limit', limit is number and 0 <= limit <= 1, 'be a share of the entities from 0 to 1, as in 0.01') %}
    {% do require_var('settle_lag', lag is integer and lag >= 0, 'be a whole number of seconds, 0 or more') %}
    {% do require_var('reconcile_dry_run', var('reconcile_dry_run') is boolean, 'be true or false') %}
{% endmacro %}
