{#
    The catalog and the events models name the same metrics, each once and with the same model, and each entity type is compared
    with expected counts.
#}

-- depends_on: {{ ref('audited_events') }}

{% set emitted, counted = [], [] %}
{% for node in events_models() %}
    {% for metric in node.config.meta.metrics %}
        {% do emitted.append((metric.entity_type, metric.metric_type, node.name)) %}
    {% endfor %}
{% endfor %}
{% for node in (graph.nodes.values() if execute else []) if node.resource_type == 'test' and (node.test_metadata or {}).get('name') == 'source_parity' %}
    {% do counted.append(graph.nodes[node.attached_node].config.meta.entity_type) %}
{% endfor %}

with catalog as (
    select
        entity_type,
        metric_type,
        groupArray(events_model || '_events') as model_names
    from {{ ref('metric_catalog') }}
    group by
        entity_type,
        metric_type
),

emitted as (
    select
        metric.1 as entity_type,
        metric.2 as metric_type,
        groupArray(metric.3) as model_names
    from (select arrayJoin({{ emitted or [('', '', '')] }}) as metric)
    group by
        entity_type,
        metric_type
),

compared as (
    select
        entity_type,
        metric_type,
        arrayStringConcat(catalog.model_names, ', ') as catalog_models,
        arrayStringConcat(arraySort(emitted.model_names), ', ') as emitting_models,
        multiIf(
            empty(catalog.model_names), 'the catalog lacks it',
            empty(emitted.model_names), 'no model emits it',
            length(catalog.model_names) > 1, 'the catalog lists it more than once',
            length(emitted.model_names) > 1, 'more than one model emits it',
            catalog.model_names != emitted.model_names, 'the catalog names another model for it',
            entity_type not in {{ counted }}, 'no test source_parity compares its entity type',
            ''
        ) as problem
    from catalog
    full outer join emitted using (entity_type, metric_type)
)

select *
from compared
where problem != ''
