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
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['Hidden', 'Follower'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(type = 'Hide' and tagId in (select id from `metrics`.`stg_tag`), 1, 0),   tagId, userId, 1), -- Tag Hidden
            (if(type = 'Follow' and tagId in (select id from `metrics`.`stg_tag`), 2, 0), tagId, userId, 1) -- Tag Follower
        ])) as event
    from engagement
)
