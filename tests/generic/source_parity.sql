{#
    The events of an entity type add up to what PostgreSQL counts, entity by entity. Rows returned, and kept in a table,
    are those of parity_comparison(); their counts by metric are printed after the run (describe_parity).

    Arguments:
        model   a model expected_*
        also    further expected counts, a relation with the same columns
#}
{% test source_parity(model, also=none) %}
    {{- config(store_failures=true, schema='failures') }}
    {%- if execute and flags.WHICH in ['test', 'build'] %}
        {{- parity_comparison(graph.nodes['model.' ~ project_name ~ '.' ~ model.identifier], also) }}
    {%- else %}
    select 'compared when the test runs' where false
    {%- endif %}
{% endtest %}
