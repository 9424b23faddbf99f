{#
    Each metric of an events model has at least one event before its cutoff. A log without any such event is left
    alone: where the sources are empty, no metric can have one.

    Arguments:
        model          an events model
        may_be_empty   metrics that some deployments have no events of, such as ['ModelVersion Collection']
#}
{% test every_metric_has_events(model, may_be_empty=[]) %}
    {%- set metrics = graph.nodes['model.' ~ project_name ~ '.' ~ model.identifier].config.meta.metrics if execute else [] %}

    select metric
    from (select arrayJoin({{ metrics | reject('in', may_be_empty) | list }}) as metric)
    where
        metric not in (select entityType || ' ' || metricType from {{ model }})
        and exists(select 1 from {{ event_log() }} where createdAt < {{ utc_literal(last_cutoff()) }})
{% endtest %}
