with benefactor as (
    select
        bountyId,
        userId,
        unitAmount,
        awardedToId,
        createdAt,
        coalesce(awardedAt, updatedAt) as awardedAt
    from `metrics`.`stg_bounty_benefactor`
)

select
    ['Bounty', 'Bounty', 'BountyEntry'][toLowCardinality(metricNumber)] as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    ['Benefactor', 'UnitAmount', 'UnitAmount'][toLowCardinality(metricNumber)] as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            [bountyId, awardedToId][[1, 1, 2][metricNumber]],
            userId,
            [1, unitAmount][[1, 2, 2][metricNumber]],
            [createdAt, awardedAt][[1, 1, 2][metricNumber]]
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(bountyId in (select id from `metrics`.`stg_bounty`), 1, 0), -- Bounty Benefactor
                if(bountyId in (select id from `metrics`.`stg_bounty`) and unitAmount != 0, 2, 0), -- Bounty UnitAmount
                if(awardedToId in (select id from `metrics`.`stg_bounty_entry`) and unitAmount != 0, 3, 0) -- BountyEntry UnitAmount
            ])) as metricNumber
        from benefactor
    )
)
