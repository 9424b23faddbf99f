{{ config(materialized='ephemeral') }}

{#
    How much happened lately to what a user made: the events of the last 30 days, each with the weight of its metric. An event
    that takes one back (a negative value) takes back its weight.
#}

with score as (
    select
        event.entityType as entityType,
        event.entityId as entityId,
        sum(sign(event.metricValue) * weight.weight) as score
    from {{ ref('logged_events') }} as event
    inner join {{ ref('engagement_weights') }} as weight on event.entityType = weight.entity_type and event.metricType = weight.metric_type
    where event.createdAt >= {{ current_moment() }} - toIntervalDay(30)
    group by
        entityType,
        entityId
)

select
    owned.userId as userId,
    sum(score.score) as score
from {{ ref('owned_entities') }} as owned
-- on the right, of which ClickHouse makes a hash table: there are fewer of these than images
inner join score on owned.entityType = score.entityType and owned.entityId = score.entityId
group by userId
