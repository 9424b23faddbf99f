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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    ['Follower', 'Contributor'][toLowCardinality(metricNumber)] as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            collectionId,
            userId,
            1,
            joinedAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(has(permissions, 'VIEW') and collectionId in (select id from `metrics`.`stg_collection`), 1, 0), -- Collection Follower
                if(has(permissions, 'ADD') and collectionId in (select id from `metrics`.`stg_collection`), 2, 0) -- Collection Contributor
            ])) as metricNumber
        from contributor
    )
)
