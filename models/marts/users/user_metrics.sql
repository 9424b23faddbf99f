{{ config(materialized='view') }}

{#
    What a user's profile shows: one row a user. What happens to a version happens to its model as well, so versions are
    left out: they would count twice.
#}

with term as (
    -- the user's own metrics
    select
        entityId as userId,
        'User' as kind,
        metricType as metric,
        total as value
    from {{ ref('entity_metric_totals') }}
    where entityType = 'User'

    union all

    -- those of what the user made
    select
        owned.userId as userId,
        totals.entityType as kind,
        totals.metricType as metric,
        totals.total as value
    from {{ ref('entity_metric_totals') }} as totals
    inner join {{ ref('owned_entities') }} as owned on totals.entityType = owned.entityType and totals.entityId = owned.entityId
    where totals.entityType in ('Model', 'Post', 'Image')

    union all

    -- and how much of it there is
    select
        userId,
        entityType as kind,
        'upload' as metric,
        toInt64(count()) as value
    from {{ ref('owned_entities') }}
    group by
        userId,
        entityType

    union all

    select
        model.userId as userId,
        'ModelVersion' as kind,
        'upload' as metric,
        toInt64(count()) as value
    from {{ ref('stg_model_version') }} as model_version
    inner join {{ ref('stg_model') }} as model on model_version.modelId = model.id
    where model_version.status = 'Published'
    group by userId
),

metrics as (
    select
        userId,
        sumIf(value, kind = 'User' and metric = 'Follower') as followers,
        sumIf(value, kind = 'User' and metric = 'Following') as following,
        sumIf(value, kind = 'User' and metric = 'Hidden') as hidden,
        sumIf(value, kind = 'User' and metric = 'Review') as reviews,
        sumIf(value, kind = 'User' and metric = 'UserImageReaction') as imageReactions,
        sumIf(value, kind = 'Model' and metric = 'upload') as models,
        sumIf(value, kind = 'ModelVersion' and metric = 'upload') as modelVersions,
        sumIf(value, kind = 'Post' and metric = 'upload') as posts,
        sumIf(value, kind = 'Image' and metric = 'upload') as images,
        sumIf(value, metric = 'Download') as downloads,
        sumIf(value, metric = 'Generation') as generations,
        sumIf(value, metric = 'ThumbsUp') as thumbsUp,
        sumIf(value, metric = 'ThumbsDown') as thumbsDown,
        sumIf(value, metric = 'Comment') as comments,
        sumIf(value, metric = 'Collection') as collections,
        sumIf(value, metric = 'TipCount') as tipCount,
        sumIf(value, metric in ('TipAmount', 'Buzz')) as tipAmount,
        sumIf(value, metric = 'Earned') as earned
    from term
    group by userId
)

select
    metrics.*,
    engagement.score as engagementScore
from metrics
left join {{ ref('user_engagement') }} as engagement on metrics.userId = engagement.userId
