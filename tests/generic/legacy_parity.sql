{#
    The events before the cutoff add up to what the legacy jobs counted (AllTime), for the metrics that the catalog has for this
    table. Metrics whose legacy_parity is `exact` warn from the first entity on, and fail above legacy_error_percent of the
    entities. Known differences are compared and printed. dbt's number is that of the entities that differ.

    Arguments:
        model   a table of the source `legacy`
    Rows: those of legacy_comparison().
#}
{% test legacy_parity(model) %}
    {{- config(
        store_failures=true,
        schema='failures',
        fail_calc="sum(if(legacy_parity = 'exact', differing, 0))",
        warn_if='> 0',
        error_if="> 0 and max(if(legacy_parity = 'exact' and differing > 0, differing / entities, 0)) * 100 > " ~ var('legacy_error_percent')
    ) }}
    {%- set catalog, events = ref('metric_catalog'), ref('audited_events') %}
    {%- set metric_types = audited_metric_types(model.identifier | replace('Metric', '')) if execute and flags.WHICH in ['test', 'build'] else [] %}
    {%- if metric_types %}
        {{- legacy_comparison(graph.sources['source.' ~ project_name ~ '.legacy.' ~ model.identifier], catalog, events, metric_types) }}
    {%- else %}
    select
        '' as entity_type, '' as metric_type, '' as legacy_column, 'exact' as legacy_parity, '' as note, '' as absent, 0 as differing, 1 as entities
    where false
    {%- endif %}
{% endtest %}
