with comment as (
    select
        modelId,
        userId,
        tosViolation,
        createdAt
    from `metrics`.`stg_comment`
)

select
    'Model' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Comment' as metricType,
    any(event.3) as metricValue,
    min(ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC'))) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt, source row (0 where a user counts once)
        (
            modelId,
            userId,
            1,
            createdAt,
            0
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(not tosViolation and modelId in (select id from `metrics`.`stg_model`), 1, 0) -- Model Comment
            ])) as metricNumber
        from comment
    )
)
-- of the events with the same source row, entity and user the earliest stays
group by metricNumber, entityId, userId, event.5
