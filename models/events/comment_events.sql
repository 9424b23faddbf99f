{# Comments on models, the older kind: a model counts its commenters, not their comments. #}

with comment as (
    select
        modelId,
        userId,
        tosViolation,
        createdAt
    from {{ ref('stg_comment') }}
)

{{ metric_events('comment', [
    metric('Model', 'Comment', entity_id='modelId', when='not tosViolation', once_per_user=true),
]) }}
