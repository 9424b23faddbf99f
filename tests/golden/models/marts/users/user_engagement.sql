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

union all

select
    'Article' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_article`

union all

-- a bounty and an entry may have lost their user
select
    'Bounty' as entityType,
    id as entityId,
    assumeNotNull(bounty.userId) as userId
from `metrics`.`stg_bounty` as bounty
where bounty.userId is not null

union all

select
    'BountyEntry' as entityType,
    id as entityId,
    assumeNotNull(entry.userId) as userId
from `metrics`.`stg_bounty_entry` as entry
where entry.userId is not null
), score as (
    select
        event.entityType as entityType,
        event.entityId as entityId,
        sum(sign(event.metricValue) * weight.weight) as score
    from `metrics`.`logged_events` as event
    inner join `metrics`.`engagement_weights` as weight on event.entityType = weight.entity_type and event.metricType = weight.metric_type
    where event.createdAt >= now64(3, 'UTC') - toIntervalDay(30)
    group by
        entityType,
        entityId
)

select
    owned.userId as userId,
    sum(score.score) as score
from `__dbt__cte__owned_entities` as owned
-- on the right, of which ClickHouse makes a hash table: there are fewer of these than images
inner join score on owned.entityType = score.entityType and owned.entityId = score.entityId
group by userId
