with  __dbt__cte__owned_entities as (

select
    'Model' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_model`

union all

select
    'Post' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_post`

union all

select
    'Image' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_image`
),  __dbt__cte__user_engagement as (

with other as (
    select weight
    from `metrics`.`engagement_weights`
    where metric_type = '*'
),

score as (
    select
        event.entityType as entityType,
        event.entityId as entityId,
        sum(sign(event.metricValue) * if(weight.metric_type = '', other.weight, weight.weight)) as score
    from `metrics`.`logged_events` as event
    left join `metrics`.`engagement_weights` as weight on event.metricType = weight.metric_type
    cross join other
    where event.createdAt >= now64(3, 'UTC') - toIntervalDay(30) and event.entityType in ('Model', 'Post', 'Image')
    group by
        entityType,
        entityId
)

select
    owned.userId as userId,
    sum(score.score) as score
from score
inner join `__dbt__cte__owned_entities` as owned on score.entityType = owned.entityType and score.entityId = owned.entityId
group by userId
), term as (
    -- the user's own metrics
    select
        entityId as userId,
        'User' as kind,
        metricType as metric,
        total as value
    from `metrics`.`entity_metric_totals`
    where entityType = 'User'

    union all

    -- those of what the user made
    select
        owned.userId as userId,
        totals.entityType as kind,
        totals.metricType as metric,
        totals.total as value
    from `metrics`.`entity_metric_totals` as totals
    inner join `__dbt__cte__owned_entities` as owned on totals.entityType = owned.entityType and totals.entityId = owned.entityId
    where totals.entityType in ('Model', 'Post', 'Image')

    union all

    -- and how much of it there is
    select
        userId,
        entityType as kind,
        'upload' as metric,
        toInt64(count()) as value
    from `__dbt__cte__owned_entities`
    group by
        userId,
        entityType

    union all

    select
        model.userId as userId,
        'ModelVersion' as kind,
        'upload' as metric,
        toInt64(count()) as value
    from `metrics`.`stg_model_version` as model_version
    inner join `metrics`.`stg_model` as model on model_version.modelId = model.id
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
left join `__dbt__cte__user_engagement` as engagement on metrics.userId = engagement.userId
