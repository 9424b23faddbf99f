with contributor as (
    select
        collectionId,
        userId,
        permissions,
        coalesce(createdAt, updatedAt) as joinedAt
    from `metrics`.`stg_collection_contributor`
)

select
    'Collection' as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['Follower', 'Contributor'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(joinedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        joinedAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(has(permissions, 'VIEW') and collectionId in (select id from `metrics`.`stg_collection`), 1, 0), collectionId, userId, 1), -- Collection Follower
            (if(has(permissions, 'ADD') and collectionId in (select id from `metrics`.`stg_collection`), 2, 0),  collectionId, userId, 1) -- Collection Contributor
        ])) as event
    from contributor
)
