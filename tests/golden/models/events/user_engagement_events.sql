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
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['Following', 'Follower', 'Hidden'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(type = 'Follow' and userId in (select id from `metrics`.`stg_user`), 1, 0),       userId,       userId, 1), -- User Following
            (if(type = 'Follow' and targetUserId in (select id from `metrics`.`stg_user`), 2, 0), targetUserId, userId, 1), -- User Follower
            (if(type = 'Hide' and targetUserId in (select id from `metrics`.`stg_user`), 3, 0),   targetUserId, userId, 1) -- User Hidden
        ])) as event
    from engagement
)
