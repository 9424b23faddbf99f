{#
    The windows of feed_metrics, by column: how many whole days each one has beside today. A window begins at 00:00 UTC, so that
    whole days of entity_metric_daily add up to it.
#}
{% macro feed_windows() %}
    {% do return({'day': 1, 'week': 7, 'month': 30, 'year': 365}) %}
{% endmacro %}


{# Today (UTC), as a scalar subquery: evaluated once a query, so that no query sees two days. #}
{% macro current_day() -%}
    (select toDate({{ current_moment() }}, 'UTC'))
{%- endmacro %}
