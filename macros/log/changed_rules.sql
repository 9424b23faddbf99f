{#
    The ledger keeps two hashes of a metric's rule. The rule has changed if both differ:
        text      what the events model says: its rows, the metric's arguments, and the var that some rows read
        meaning   ClickHouse's query tree of these, which has no comments, and no columns that the metric does not use
    A comment changes the text alone. A new version of ClickHouse may change the meaning alone.

    Arguments: node, an events model.
    Returns: a dict of texts by metric ('Model ThumbsUp').
#}
{% macro rule_texts(node) %}
    {% set rows = node.raw_code.split('{{ metric_events(')[0].split() | join(' ') %}
    {% set setting = var('excluded_generation_versions') | join(',') if 'excluded_generation_versions' in rows else '' %}
    {% set texts = {} %}
    {% for metric in node.config.meta.metrics %}
        {% do texts.update({name_of(metric): local_md5([rows, setting, tojson(metric, sort_keys=true)] | join('|'))}) %}
    {% endfor %}
    {% do return(texts) %}
{% endmacro %}


{#
    Adds the meaning to the rule of each window that needs one: the window is open, or the text has changed. ClickHouse takes
    about 4 ms a metric.
    Arguments: windows, of event_windows(). The tables that the events models read must exist.
#}
{% macro add_meanings(windows) %}
    {% set queries = [] %}
    {% for window in windows if window.rule and (window.open or _has_changed(window)) %}
        {% do queries.append(_meaning_query(window)) %}
    {% endfor %}
    {% set meanings = {} %}
    {% for row in (run_query(queries | join('\nunion all\n')) if queries else []) %}
        {% do meanings.update({row['metric']: row['meaning']}) %}
    {% endfor %}
    {% for window in windows if name_of(window) in meanings %}
        {% do window.update({'rule': window.rule ~ ' ' ~ meanings[name_of(window)]}) %}
    {% endfor %}
{% endmacro %}


{# The first four passes of ClickHouse's analyzer resolve names and remove unused columns. The others optimize. #}
{% macro _meaning_query(window) %}
    {%- for node, metric in metric_named(window.entity_type, window.metric_type) %}
    select
        '{{ name_of(metric) }}' as metric,
        lower(hex(sipHash128(groupArray(explain)))) as meaning
    from (
        explain query tree passes = 4
        {{ source_rows(node, from_anywhere=true) }}
        select
            {{ metric.entity_id }},
            {{ metric.user_id }},
            {{ metric.value }},
            {{ metric.created_at }},
            {{ metric.once_per_user }},
            {{ metric.entity_joined }}
        from {{ node.config.meta.rows }}
        where {{ metric.when or 'true' }}
    )
    {%- endfor %}
{% endmacro %}


{% macro _has_changed(window) %}
    {% for published in window.published_rules if not published.split() | select('in', window.rule.split()) | list %}
        {% do return(true) %}
    {% endfor %}
    {% do return(false) %}
{% endmacro %}


{#
    Warns of metrics whose rule is not the one that their history was published by.
    Arguments: windows, of event_windows(), with meanings.
#}
{% macro warn_of_changed_rules(windows) %}
    {% for entity_type, of_type in windows | selectattr('rule') | groupby('entity_type') %}
        {% set names = [] %}
        {% for window in of_type if _has_changed(window) %}
            {% do names.append(window.metric_type) %}
        {% endfor %}
        {% if names and not publishing_anew() %}
            {% do exceptions.warn(
                'The rule of ' ~ entity_type ~ ' ' ~ names | join(', ') ~ ' has changed since its history was published; the log'
                ~ ' holds what the former rule made. To publish it anew: dbt build --select tag:' ~ snake_case(entity_type)
                ~ " --full-refresh --vars '{on_conflict: replace}'"
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}
