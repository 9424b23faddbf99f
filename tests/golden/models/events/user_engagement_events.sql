with engagement as (
    select
        userId,
        targetUserId,
        type,
        createdAt
    from `metrics`.`stg_user_engagement`
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
                'User', userId, userId, 'Following', 1, createdAt,
                type = 'Follow' and userId in (select id from `metrics`.`stg_user`)
            ),
            (
                'User', targetUserId, userId, 'Follower', 1, createdAt,
                type = 'Follow' and targetUserId in (select id from `metrics`.`stg_user`)
            ),
            (
                'User', targetUserId, userId, 'Hidden', 1, createdAt,
                type = 'Hide' and targetUserId in (select id from `metrics`.`stg_user`)
            )
        ]) as event
    from engagement
)
where event.7 and event.5 != 0
