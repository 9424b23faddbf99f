{#
    The moment at which live tracking of an entity type began. Events before it are the backfill's.
    Arguments: entity_type.
    Returns: 'YYYY-MM-DD HH:MM:SS.mmm', UTC.
    Raises: a compiler error if the var is not a time.
#}
{% macro cutoff_of(entity_type) %}
    {% if entity_type in var('cutoffs') %}
        {% do return(_timestamp(var('cutoffs')[entity_type], 'cutoffs: ' ~ entity_type)) %}
    {% endif %}
    {% do return(main_cutoff()) %}
{% endmacro %}


{# The cutoff of the entity types that the var cutoffs does not name, in the same form. #}
{% macro main_cutoff() %}
    {% do return(_timestamp(var('cutoff'), 'cutoff')) %}
{% endmacro %}


{# The cutoff of each row's entity type, as SQL; 1970 for a type without metrics. Arguments: column, with the entity type. #}
{% macro cutoff_by_entity_type(column) -%}
    multiIf(
        {%- for entity_type in entity_types() %}
        {{ column }} = '{{ entity_type }}', {{ utc_literal(cutoff_of(entity_type)) }},
        {%- endfor %}
        {{ utc_literal(beginning_of_time()) }}
    )
{%- endmacro %}


{# The latest of all cutoffs: staging must hold everything before it. #}
{% macro last_cutoff() %}
    {% set cutoffs = [main_cutoff()] %}
    {% for entity_type in var('cutoffs') %}
        {% do cutoffs.append(cutoff_of(entity_type)) %}
    {% endfor %}
    {% do return(cutoffs | max) %}
{% endmacro %}


{# The moment from which no transaction brings rows from before a cutoff (cutoff) any more: settle_lag after it. #}
{% macro settled_after(cutoff) %}
    {% set moment = modules.datetime.datetime.strptime(cutoff, '%Y-%m-%d %H:%M:%S.%f') + modules.datetime.timedelta(seconds=var('settle_lag')) %}
    {% do return(moment.strftime('%Y-%m-%d %H:%M:%S.%f')[:23]) %}
{% endmacro %}


{#
    Checks the vars of backfill and reconcile before anything is written.
    Raises: a compiler error that names the var, its value and what is allowed.
#}
{% macro check_vars() %}
    {% do require_one_of('on_conflict', ['fail', 'replace', 'skip']) %}
    {% do require_one_of('log_views', ['stop', 'skip', 'feed']) %}
    {% for name in ['slice_size', 'parallel_slices', 'lock_patience'] %}
        {% do require_var(name, var(name) is integer and var(name) >= 1, 'be a whole number above 0') %}
    {% endfor %}
    {% set excluded = var('excluded_generation_versions') %}
    {% do require_var(
        'excluded_generation_versions',
        excluded is not string and excluded is sequence and not excluded | reject('integer') | list,
        'be a list of model version ids, as in [1, 2]'
    ) %}
    {% do require_one_of('reconcile_mode', ['changed', 'full']) %}
    {% set limit, share, lag = var('reconcile_limit'), var('reconcile_share'), var('settle_lag') %}
    {% do require_var('reconcile_share', share is number and 0 < share <= 1, 'be a share of the slices above 0 and at most 1, as in 0.05') %}
    {% do require_var('reconcile_limit', limit is number and 0 <= limit <= 1, 'be a share of the entities from 0 to 1, as in 0.01') %}
    {% do require_var('settle_lag', lag is integer and lag >= 0, 'be a whole number of seconds, 0 or more') %}
    {% do require_var('live_events', var('live_events') is boolean, 'be true or false') %}
    {% do require_var(
        'reconcile_share', share == 1 or not var('live_events'),
        'be 1 as long as live_events is true: an event of the application whose row no look has seen would be taken back'
    ) %}
    {% do require_var('reconcile_dry_run', var('reconcile_dry_run') is boolean, 'be true or false') %}
    {% set from_then_on = settled_after(last_cutoff()) %}
    {% if from_then_on > modules.datetime.datetime.utcnow().strftime('%Y-%m-%d %H:%M:%S.%f') %}
        {% do exceptions.raise_compiler_error(
            'The cutoff ' ~ last_cutoff() ~ ' UTC has not settled: transactions that are still open may bring rows from before'
            ~ ' it. It can be used from ' ~ from_then_on ~ ' UTC on, settle_lag (' ~ lag ~ ' s) after it. Wait until then, or'
            ~ ' choose an earlier cutoff.'
        ) %}
    {% endif %}
{% endmacro %}


{#
    Refuses a var that makes no sense.
    Arguments: name; holds, whether the value is allowed; meaning, what is allowed, to follow "it must".
    Raises: a compiler error that names the var, its value and what is allowed.
#}
{% macro require_var(name, holds, meaning) %}
    {% if not holds %}
        {% do exceptions.raise_compiler_error('The var ' ~ name ~ " is '" ~ var(name) ~ "'; it must " ~ meaning ~ '.') %}
    {% endif %}
{% endmacro %}


{# Refuses a var (name) whose value is not allowed. #}
{% macro require_one_of(name, allowed) %}
    {% do require_var(name, var(name) in allowed, 'be one of ' ~ allowed | join(', ')) %}
{% endmacro %}


{# Where the first window of a metric begins, in the form of cutoff_of(). #}
{% macro beginning_of_time() %}
    {% do return('1970-01-01 00:00:00.000') %}
{% endmacro %}


{# A timestamp in the form of cutoff_of(), as SQL. #}
{% macro utc_literal(timestamp) -%}
    {{- return("toDateTime64('" ~ timestamp ~ "', 3, 'UTC')") -}}
{%- endmacro %}


{# Brings the value of a var to the form YYYY-MM-DD HH:MM:SS.mmm. #}
{% macro _timestamp(value, name) %}
    {% set matched = modules.re.match(
        '^([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
        ~ '(?:[ T]((?:[01][0-9]|2[0-3]):[0-5][0-9])(?::([0-5][0-9])(?:[.]([0-9]{1,3}))?)?)?Z?$',
        value | string
    ) %}
    {% if matched %}
        {% set year, month, day = matched.group(1) | int, matched.group(2) | int, matched.group(3) | int %}
        {% set is_leap_year = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 %}
        {% set days = 28 + is_leap_year if month == 2 else 30 if month in [4, 6, 9, 11] else 31 %}
    {% endif %}
    {% if not matched or day > days %}
        {% do exceptions.raise_compiler_error(
            'The var ' ~ name ~ " is '" ~ value ~ "'; it must be a time in UTC with at most milliseconds, as in '2024-08-07 15:44:39.044'."
        ) %}
    {% endif %}
    {% do return(
        (value | string)[:10] ~ ' ' ~ (matched.group(4) or '00:00') ~ ':' ~ (matched.group(5) or '00')
        ~ '.' ~ ((matched.group(6) or '') ~ '000')[:3]
    ) %}
{% endmacro %}
