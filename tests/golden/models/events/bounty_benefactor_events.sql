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
                'Bounty', bountyId, userId, 'Benefactor', 1, createdAt,
                bountyId in (select id from `metrics`.`stg_bounty`)
            ),
            (
                'Bounty', bountyId, userId, 'UnitAmount', unitAmount, createdAt,
                bountyId in (select id from `metrics`.`stg_bounty`)
            ),
            (
                'BountyEntry', awardedToId, userId, 'UnitAmount', unitAmount, awardedAt,
                awardedToId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from benefactor
)
where event.7 and event.5 != 0
