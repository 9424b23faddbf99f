with entry as (
    select
        bountyId,
        userId,
        createdAt
    from `metrics`.`stg_bounty_entry`
)

select
    event.1 as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    event.4 as metricType,
    event.5 as metricValue,
    ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        arrayJoin([
            -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event?
            (
                'Bounty', bountyId, userId, 'Entry', 1, createdAt,
                bountyId in (select id from `metrics`.`stg_bounty`)
            )
        ]) as event
    from entry
)
where event.7 and event.5 != 0
