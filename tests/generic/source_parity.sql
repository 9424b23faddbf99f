{#
    The events of an entity type add up to what PostgreSQL counts, entity by entity. dbt build compares the log as it would be
    after publication, and only metrics that are due; the test runs before published_events, beside a live application
    (audit_comparison).

    Arguments:
        model   a model expected_*
        also    a relation with further expected counts
    Rows: those of parity_comparison(), kept in a table. describe_findings() prints their number by metric.
#}
{% test source_parity(model, also=none) %}
    {{- config(store_failures=true, schema='failures') }}
    {%- set events = ref('audited_events') %}
    {%- set expected = graph.nodes['model.' ~ project_name ~ '.' ~ model.identifier] if execute else none %}
    {%- set windows = audited_windows(expected.config.meta.entity_type) if execute and flags.WHICH in ['test', 'build'] and not reconciling() else [] %}
    {%- set audits = flags.WHICH == 'build' and 'model.' ~ project_name ~ '.pending_events' in selected_resources %}
    {%- for window in windows %}
    select * from (
        {%- if audits and var('parity') == 'history' %}
        {{- audit_comparison(expected, also, events, window.metric_types, window.start) }}
        {%- else %}
        {{- (present_comparison if var('parity') == 'present' else parity_comparison)(expected, also, events, window.metric_types) }}
        {%- endif %}
    )
    {{ 'union all' if not loop.last }}
    {%- else %}
    select 'no metric of this entity type is part of this run' as nothing where false
    {%- endfor %}
{% endtest %}
