with contributor as (
    select
        collectionId,
        userId,
        permissions,
        coalesce(createdAt, updatedAt) as joinedAt
    from `metrics`.`stg_collection_contributor`
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
                'Collection', collectionId, userId, 'Follower', 1, joinedAt,
                has(permissions, 'VIEW') and collectionId in (select id from `metrics`.`stg_collection`)
            ),
            (
                'Collection', collectionId, userId, 'Contributor', 1, joinedAt,
                has(permissions, 'ADD') and collectionId in (select id from `metrics`.`stg_collection`)
            )
        ]) as event
    from contributor
)
where event.7 and event.5 != 0
