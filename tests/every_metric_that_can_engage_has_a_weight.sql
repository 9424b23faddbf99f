{#
    Of an entity type with weights, each metric of the catalog has one: a new metric changes engagement scores only when somebody
    has said by how much, be it 0. No weight is for a metric that the catalog does not know.
#}

select
    entity_type,
    metric_type,
    'engagement_weights has no weight for it, not even 0' as problem
from {{ ref('metric_catalog') }}
where
    entity_type in (select weights.entity_type from {{ ref('engagement_weights') }} as weights)
    and (entity_type, metric_type) not in (select (weights.entity_type, weights.metric_type) from {{ ref('engagement_weights') }} as weights)

union all

select
    entity_type,
    metric_type,
    'the catalog has no such metric' as problem
from {{ ref('engagement_weights') }}
where (entity_type, metric_type) not in (select (known.entity_type, known.metric_type) from {{ ref('metric_catalog') }} as known)
