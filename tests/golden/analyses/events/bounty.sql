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
                'Bounty', bountyId, userId, 'Benefactor', 1, createdAt,
                bountyId in (select id from `metrics`.`stg_bounty`)
            )
        ]) as event
    from benefactor
)
where event.7 and event.5 != 0;

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
                'Bounty', bountyId, userId, 'UnitAmount', unitAmount, createdAt,
                bountyId in (select id from `metrics`.`stg_bounty`)
            )
        ]) as event
    from benefactor
)
where event.7 and event.5 != 0;

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
                'Bounty', bountyId, userId, 'Favorite', 1, createdAt,
                type = 'Favorite' and bountyId in (select id from `metrics`.`stg_bounty`)
            )
        ]) as event
    from engagement
)
where event.7 and event.5 != 0;

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
                'Bounty', bountyId, userId, 'Track', 1, createdAt,
                type = 'Track' and bountyId in (select id from `metrics`.`stg_bounty`)
            )
        ]) as event
    from engagement
)
where event.7 and event.5 != 0;

-- Bounty Entry, from bounty_entry_events
with entry as (
    select
        bountyId,
        userId,
        createdAt
    from `metrics`.`stg_bounty_entry`
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
                'Bounty', bountyId, userId, 'Entry', 1, createdAt,
                bountyId in (select id from `metrics`.`stg_bounty`)
            )
        ]) as event
    from entry
)
where event.7 and event.5 != 0;

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
                'Bounty', bountyId, userId, 'Comment', 1, createdAt,
                bountyId in (select id from `metrics`.`stg_bounty`)
            )
        ]) as event
    from comment
)
where event.7 and event.5 != 0;
