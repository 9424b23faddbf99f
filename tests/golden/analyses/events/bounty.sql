-- Bounty Benefactor, from bounty_benefactor_events
with benefactor as (
    select
        bountyId,
        userId,
        unitAmount,
        awardedToId,
        createdAt,
        coalesce(awardedAt, updatedAt) as awardedAt
    from `metrics`.`stg_bounty_benefactor`
)

select
    'Bounty' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Benefactor' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(bountyId in (select id from `metrics`.`stg_bounty`), 1, 0) -- Bounty Benefactor
            ])) as metricNumber
        from benefactor
    )
);

-- Bounty UnitAmount, from bounty_benefactor_events
with benefactor as (
    select
        bountyId,
        userId,
        unitAmount,
        awardedToId,
        createdAt,
        coalesce(awardedAt, updatedAt) as awardedAt
    from `metrics`.`stg_bounty_benefactor`
)

select
    'Bounty' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'UnitAmount' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyId,
            userId,
            unitAmount,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(bountyId in (select id from `metrics`.`stg_bounty`) and unitAmount != 0, 1, 0) -- Bounty UnitAmount
            ])) as metricNumber
        from benefactor
    )
);

-- Bounty Favorite, from bounty_engagement_events
with engagement as (
    select
        bountyId,
        userId,
        type,
        createdAt
    from `metrics`.`stg_bounty_engagement`
)

select
    'Bounty' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Favorite' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(type = 'Favorite' and bountyId in (select id from `metrics`.`stg_bounty`), 1, 0) -- Bounty Favorite
            ])) as metricNumber
        from engagement
    )
);

-- Bounty Track, from bounty_engagement_events
with engagement as (
    select
        bountyId,
        userId,
        type,
        createdAt
    from `metrics`.`stg_bounty_engagement`
)

select
    'Bounty' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Track' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(type = 'Track' and bountyId in (select id from `metrics`.`stg_bounty`), 1, 0) -- Bounty Track
            ])) as metricNumber
        from engagement
    )
);

-- Bounty Entry, from bounty_entry_events
with entry as (
    select
        bountyId,
        userId,
        createdAt
    from `metrics`.`stg_bounty_entry`
)

select
    'Bounty' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Entry' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(bountyId in (select id from `metrics`.`stg_bounty`), 1, 0) -- Bounty Entry
            ])) as metricNumber
        from entry
    )
);

-- Bounty Comment, from comment_v2_events
with comment as (
    select
        threads.postId as postId,
        threads.imageId as imageId,
        threads.articleId as articleId,
        threads.bountyId as bountyId,
        comments.userId as userId,
        comments.createdAt as createdAt
    from `metrics`.`stg_comment_v2` as comments
    inner join `metrics`.`stg_thread` as threads on comments.threadId = threads.id
)

select
    'Bounty' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'Comment' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(bountyId in (select id from `metrics`.`stg_bounty`), 1, 0) -- Bounty Comment
            ])) as metricNumber
        from comment
    )
);
