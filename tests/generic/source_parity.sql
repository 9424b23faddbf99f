{#
    The events of an entity type add up to what PostgreSQL counts, entity by entity. In dbt build, the events are those of
    the log as it would be once what is pending is published, the metrics are those that are due, and the test stands before
    published_events. Rows returned, and kept in a table, are those of parity_comparison(); their counts
    by metric are printed after the run (describe_parity).

    Arguments:
        model   a model expected_*
        also    further expected counts, a relation with the same columns
#}
{% test source_parity(model, also=none) %}
    {{- config(store_failures=true, schema='failures') }}
    {%- set events = ref('audited_events') %}
    {%- set expected = graph.nodes['model.' ~ project_name ~ '.' ~ model.identifier] if execute else none %}
    {%- set metric_types = audited_metric_types(expected.config.meta.entity_type) if execute and flags.WHICH in ['test', 'build'] else [] %}
    {%- if metric_types and not reconciling() %}
        {{- parity_comparison(expected, also, events, metric_types) }}
    {%- else %}
    select 'no metric of this entity type is part of this run' as nothing where false
    {%- endif %}
{% endtest %}
