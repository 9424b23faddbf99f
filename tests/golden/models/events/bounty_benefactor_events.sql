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
    ['Bounty', 'Bounty', 'BountyEntry'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['Benefactor', 'UnitAmount', 'UnitAmount'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(event.5, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue, createdAt
            (if(bountyId in (select id from `metrics`.`stg_bounty`), 1, 0),                              bountyId,    userId, 1,          createdAt), -- Bounty Benefactor
            (if(bountyId in (select id from `metrics`.`stg_bounty`) and unitAmount != 0, 2, 0),          bountyId,    userId, unitAmount, createdAt), -- Bounty UnitAmount
            (if(awardedToId in (select id from `metrics`.`stg_bounty_entry`) and unitAmount != 0, 3, 0), awardedToId, userId, unitAmount, awardedAt) -- BountyEntry UnitAmount
        ])) as event
    from benefactor
)
