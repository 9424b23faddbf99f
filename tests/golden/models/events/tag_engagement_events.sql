with engagement as (
    select
        tagId,
        userId,
        type,
        createdAt
    from `metrics`.`stg_tag_engagement`
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
                'Tag', tagId, userId, 'Hidden', 1, createdAt,
                type = 'Hide' and tagId in (select id from `metrics`.`stg_tag`)
            ),
            (
                'Tag', tagId, userId, 'Follower', 1, createdAt,
                type = 'Follow' and tagId in (select id from `metrics`.`stg_tag`)
            )
        ]) as event
    from engagement
)
where event.7 and event.5 != 0
