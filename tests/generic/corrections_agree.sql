{#
    No correction moves an entity's total further away from what PostgreSQL counts now; without live events, of what was created
    before the cutoff. So a broken rule in an events model is found before it "corrects" good counters. If no entity of the type is
    corrected, PostgreSQL is not asked. With reconcile_share, rows that make up for a correction may lie in slices that were not looked
    at: such entities are a warning as long as they are no larger a share of those corrected than reconcile_limit.

    Arguments:
        model   a model expected_*
        also    a relation with further expected counts
#}
{% test corrections_agree(model, also=none) %}
    {{- config(store_failures=true, schema='failures') }}
    {%- set corrections = ref('pending_corrections') %}
    {%- set logged = relation_named('logged_events') %}
    {%- set expected = graph.nodes['model.' ~ project_name ~ '.' ~ model.identifier] if execute else none %}
    {%- set entity_type = expected.config.meta.entity_type if execute else none %}
    {%- set corrected = corrections ~ " where entityType = '" ~ entity_type ~ "'" %}
    {%- if execute and flags.WHICH == 'build' and reconciling() and query_value('select count() from ' ~ corrected) > 0 %}
    {%- set contradicted %}
    with correction as (
        select
            toString(metricType) as metric_type,
            toInt64(entityId) as entity_id,
            toInt64(metricValue) as correction
        from {{ corrected }}
    ),

    expected as (
        {{ expected_totals(expected, also, 'expected_now' if var('live_events') else 'expected') | indent(8) }}
    ),

    logged as (
        select
            toString(metricType) as metric_type,
            toInt64(entityId) as entity_id,
            sum(metricValue) as total
        from {{ logged }}
        where entityType = '{{ entity_type }}' and metricType global in (select correction.metric_type from correction)
        group by metric_type, entity_id
    )

    select
        '{{ entity_type }}' as entity_type,
        correction.metric_type as metric_type,
        correction.entity_id as entity_id,
        expected.total as expected,
        logged.total as logged,
        correction.correction as correction,
        logged + correction as actual
    from correction
    left join expected using (metric_type, entity_id)
    left join logged using (metric_type, entity_id)
    where abs(actual - expected) > abs(logged - expected)
    {%- endset %}
    {{ contradicted }}
    {%- if var('reconcile_share') < 1 and is_tolerable(
        contradicted, entity_type, corrected, 'entityId', 'once corrected',
        'Rows in slices that this run has not looked at have changed (reconcile_share).'
    ) %}
    and false
    {%- endif %}
    {%- else %}
    select 'nothing of this entity type is corrected' as nothing where false
    {%- endif %}
{% endtest %}
