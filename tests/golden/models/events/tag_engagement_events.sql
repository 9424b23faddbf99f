with engagement as (
    select
        tagId,
        userId,
        type,
        createdAt
    from `metrics`.`stg_tag_engagement`
)

select
    'Tag' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    ['Hidden', 'Follower'][toLowCardinality(metricNumber)] as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            tagId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(type = 'Hide' and tagId in (select id from `metrics`.`stg_tag`), 1, 0), -- Tag Hidden
                if(type = 'Follow' and tagId in (select id from `metrics`.`stg_tag`), 2, 0) -- Tag Follower
            ])) as metricNumber
        from engagement
    )
)
