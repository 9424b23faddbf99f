with entry as (
    select
        bountyId,
        userId,
        createdAt
    from `metrics`.`stg_bounty_entry`
)

select
    'Bounty' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Entry' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(bountyId in (select id from `metrics`.`stg_bounty`), 1, 0) -- Bounty Entry
            ])) as metricNumber
        from entry
    )
)
