with engagement as (
    select
        userId,
        targetUserId,
        type,
        createdAt
    from `metrics`.`stg_user_engagement`
)

select
    'User' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    ['Following', 'Follower', 'Hidden'][toLowCardinality(metricNumber)] as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            [userId, targetUserId][[1, 2, 2][metricNumber]],
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(type = 'Follow' and userId in (select id from `metrics`.`stg_user`), 1, 0), -- User Following
                if(type = 'Follow' and targetUserId in (select id from `metrics`.`stg_user`), 2, 0), -- User Follower
                if(type = 'Hide' and targetUserId in (select id from `metrics`.`stg_user`), 3, 0) -- User Hidden
            ])) as metricNumber
        from engagement
    )
)
