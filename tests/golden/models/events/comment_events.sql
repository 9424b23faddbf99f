with comment as (
    select
        modelId,
        userId,
        tosViolation,
        createdAt
    from `metrics`.`stg_comment`
)

select
    entityType,
    entityId,
    userId,
    metricType,
    any(metricValue) as metricValue,
    min(createdAt) as createdAt
from (
    select
        event.1 as entityType,
        assumeNotNull(event.2) as entityId,
        ifNull(event.3, 0) as userId,
        event.4 as metricType,
        event.5 as metricValue,
        ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt,
        event.8 as sourceRow
    from (
        select
            arrayJoin([
                -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event? which source row?
                (
                    'Model', modelId, userId, 'Comment', 1, createdAt,
                    not tosViolation and modelId in (select id from `metrics`.`stg_model`),
                    0
                )
            ]) as event
        from comment
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow
