-- Tag Hidden, from tag_engagement_events
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
    assumeNotNull(tagId) as entityId,
    ifNull(userId, 0) as userId,
    'Hidden' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from engagement
where
    type = 'Hide'
    and tagId in (select id from `metrics`.`stg_tag`);

-- Tag Follower, from tag_engagement_events
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
    assumeNotNull(tagId) as entityId,
    ifNull(userId, 0) as userId,
    'Follower' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from engagement
where
    type = 'Follow'
    and tagId in (select id from `metrics`.`stg_tag`);
