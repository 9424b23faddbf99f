{# The catalog and the events models name the same metrics, each once, and the same models for them. #}

{% set emitted = [] %}
{% if execute %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'metric_events' %}
        {% for metric in node.config.meta.get('metrics', []) %}
            {% do emitted.append((metric.split(' ')[0], metric.split(' ')[1], node.name)) %}
        {% endfor %}
    {% endfor %}
{% endif %}

with catalog as (
    select
        entity_type,
        metric_type,
        groupArray(events_model || '_events') as models
    from {{ ref('metric_catalog') }}
    group by
        entity_type,
        metric_type
),

emitted as (
    select
        entity_type,
        metric_type,
        groupArray(model) as models
    from values(
        'entity_type String, metric_type String, model String',
        {%- for entity_type, metric_type, model in emitted %}
        ('{{ entity_type }}', '{{ metric_type }}', '{{ model }}'){{ ',' if not loop.last }}
        {%- endfor %}
    )
    group by
        entity_type,
        metric_type
),

compared as (
    select
        entity_type,
        metric_type,
        arrayStringConcat(catalog.models, ', ') as catalog_models,
        arrayStringConcat(emitted.models, ', ') as emitting_models,
        multiIf(
            empty(catalog.models), 'the catalog lacks it',
            empty(emitted.models), 'no model emits it',
            length(catalog.models) > 1, 'the catalog lists it more than once',
            length(emitted.models) > 1, 'more than one model emits it',
            catalog.models != emitted.models, 'the catalog names another model for it',
            ''
        ) as problem
    from catalog
    full outer join emitted using (entity_type, metric_type)
)

select *
from compared
where problem != ''
