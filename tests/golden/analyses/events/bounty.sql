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
    assumeNotNull(bountyId) as entityId,
    ifNull(userId, 0) as userId,
    'Benefactor' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from benefactor
where bountyId in (select id from `metrics`.`stg_bounty`);

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
    assumeNotNull(bountyId) as entityId,
    ifNull(userId, 0) as userId,
    'UnitAmount' as metricType,
    unitAmount as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from benefactor
where
    bountyId in (select id from `metrics`.`stg_bounty`)
    and unitAmount != 0;

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
    assumeNotNull(bountyId) as entityId,
    ifNull(userId, 0) as userId,
    'Favorite' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from engagement
where
    type = 'Favorite'
    and bountyId in (select id from `metrics`.`stg_bounty`);

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
    assumeNotNull(bountyId) as entityId,
    ifNull(userId, 0) as userId,
    'Track' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from engagement
where
    type = 'Track'
    and bountyId in (select id from `metrics`.`stg_bounty`);

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
    assumeNotNull(bountyId) as entityId,
    ifNull(userId, 0) as userId,
    'Entry' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from entry
where bountyId in (select id from `metrics`.`stg_bounty`);

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
    assumeNotNull(bountyId) as entityId,
    ifNull(userId, 0) as userId,
    'Comment' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from comment
where bountyId in (select id from `metrics`.`stg_bounty`);
