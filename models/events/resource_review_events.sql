{# Reviews of model versions: ratings and thumbs of the version and its model, and reviews written. #}

{% set counted = 'not exclude and not tosViolation' %}

with review as (
    select
        id,
        modelId,
        modelVersionId,
        rating,
        recommended,
        userId,
        exclude,
        tosViolation,
        modelVersionId in (
            select versions.id
            from {{ ref('stg_model_version') }} as versions
            where versions.status = 'Published'
        ) as ofPublishedVersion,
        createdAt
    from {{ ref('stg_resource_review') }}
)

{{ metric_events('review', [
    metric('User', 'Review', entity_id='userId', when='ofPublishedVersion'),

    metric('Model', 'Rating', entity_id='modelId', value='rating', when=counted),
    metric('Model', 'RatingCount', entity_id='modelId', when=counted),
    metric('Model', 'ThumbsUp', entity_id='modelId', when=counted ~ ' and recommended', once_per_user=true),
    metric('Model', 'ThumbsDown', entity_id='modelId', when=counted ~ ' and not recommended', once_per_user=true),

    metric('ModelVersion', 'Rating', entity_id='modelVersionId', value='rating', when=counted),
    metric('ModelVersion', 'RatingCount', entity_id='modelVersionId', when=counted),
    metric('ModelVersion', 'ThumbsUp', entity_id='modelVersionId', when=counted ~ ' and recommended', once_per_user=true),
    metric('ModelVersion', 'ThumbsDown', entity_id='modelVersionId', when=counted ~ ' and not recommended', once_per_user=true),
]) }}
