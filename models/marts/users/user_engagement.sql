{{ config(materialized='ephemeral') }}

{#
    How much happened lately to what a user made: the events of the last 30 days on their models, posts and images, each
    with the weight of its kind. An event that takes one back (a negative value) takes back its weight.
#}

with other as (
    select weight
    from {{ ref('engagement_weights') }}
    where metric_type = '*'
),

score as (
    select
        event.entityType as entityType,
        event.entityId as entityId,
        sum(sign(event.metricValue) * if(weight.metric_type = '', other.weight, weight.weight)) as score
    from {{ ref('logged_events') }} as event
    left join {{ ref('engagement_weights') }} as weight on event.metricType = weight.metric_type
    cross join other
    where event.createdAt >= {{ current_moment() }} - toIntervalDay(30) and event.entityType in ('Model', 'Post', 'Image')
    group by
        entityType,
        entityId
)

select
    owned.userId as userId,
    sum(score.score) as score
from score
inner join {{ ref('owned_entities') }} as owned on score.entityType = owned.entityType and score.entityId = owned.entityId
group by userId
