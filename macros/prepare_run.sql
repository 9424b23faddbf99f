{#
    What must be there before models run: checked vars, the PostgreSQL-engine tables, the event log and the
    ledgers. Only for runs that build something, and only what the selected models need.
#}
{% macro prepare_run() %}
    {% if execute and flags.WHICH in ['run', 'build'] %}
        {% set materializations, tags = [], [] %}
        {% for unique_id in selected_resources if unique_id in graph.nodes %}
            {% do materializations.append(graph.nodes[unique_id].config.materialized) %}
            {% do tags.extend(graph.nodes[unique_id].tags) %}
        {% endfor %}
        {% if 'slices' in materializations or 'metric_events' in materializations %}
            {% do check_vars() %}
            {% do check_reconcile_vars() %}
        {% endif %}
        {% if 'slices' in materializations %}
            {% do create_postgres_tables() %}
        {% endif %}
        {% if 'metric_events' in materializations %}
            {% do create_event_log() %}
            {% do create_publications() %}
            {% do create_corrections() %}
        {% endif %}
        {% if 'mart' in tags %}
            {% do create_event_log() %}
            {% do create_roll_up_ledgers() %}
        {% endif %}
    {% endif %}
{% endmacro %}
