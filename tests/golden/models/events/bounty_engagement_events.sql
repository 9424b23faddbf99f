with engagement as (
    select
        bountyId,
        userId,
        type,
        createdAt
    from `metrics`.`stg_bounty_engagement`
)

select
    'Bounty' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    ['Favorite', 'Track'][toLowCardinality(metricNumber)] as metricType,
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
                if(type = 'Favorite' and bountyId in (select id from `metrics`.`stg_bounty`), 1, 0), -- Bounty Favorite
                if(type = 'Track' and bountyId in (select id from `metrics`.`stg_bounty`), 2, 0) -- Bounty Track
            ])) as metricNumber
        from engagement
    )
)
