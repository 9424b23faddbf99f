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
), other as (
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
