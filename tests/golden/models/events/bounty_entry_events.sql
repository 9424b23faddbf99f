with entry as (
    select
        bountyId,
        userId,
        createdAt
    from `metrics`.`stg_bounty_entry`
)

select
    'Bounty' as entityType,
    assumeNotNull(bountyId) as entityId,
    ifNull(userId, 0) as userId,
    'Entry' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from entry
where bountyId in (select id from `metrics`.`stg_bounty`)
