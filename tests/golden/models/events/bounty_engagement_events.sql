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
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['Favorite', 'Track'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(type = 'Favorite' and bountyId in (select id from `metrics`.`stg_bounty`), 1, 0), bountyId, userId, 1), -- Bounty Favorite
            (if(type = 'Track' and bountyId in (select id from `metrics`.`stg_bounty`), 2, 0),    bountyId, userId, 1) -- Bounty Track
        ])) as event
    from engagement
)
