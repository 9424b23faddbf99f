-- BountyEntry UnitAmount, from bounty_benefactor_events
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
                'BountyEntry', awardedToId, userId, 'UnitAmount', unitAmount, awardedAt,
                awardedToId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from benefactor
)
where event.7 and event.5 != 0;

-- BountyEntry ReactionLike, from bounty_entry_reaction_events
with reaction as (
    select
        bountyEntryId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_bounty_entry_reaction`
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
                'BountyEntry', bountyEntryId, userId, 'ReactionLike', 1, createdAt,
                reaction = 'Like' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

-- BountyEntry ReactionDislike, from bounty_entry_reaction_events
with reaction as (
    select
        bountyEntryId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_bounty_entry_reaction`
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
                'BountyEntry', bountyEntryId, userId, 'ReactionDislike', 1, createdAt,
                reaction = 'Dislike' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

-- BountyEntry ReactionLaugh, from bounty_entry_reaction_events
with reaction as (
    select
        bountyEntryId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_bounty_entry_reaction`
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
                'BountyEntry', bountyEntryId, userId, 'ReactionLaugh', 1, createdAt,
                reaction = 'Laugh' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

-- BountyEntry ReactionCry, from bounty_entry_reaction_events
with reaction as (
    select
        bountyEntryId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_bounty_entry_reaction`
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
                'BountyEntry', bountyEntryId, userId, 'ReactionCry', 1, createdAt,
                reaction = 'Cry' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

-- BountyEntry ReactionHeart, from bounty_entry_reaction_events
with reaction as (
    select
        bountyEntryId,
        userId,
        reaction,
        createdAt
    from `metrics`.`stg_bounty_entry_reaction`
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
                'BountyEntry', bountyEntryId, userId, 'ReactionHeart', 1, createdAt,
                reaction = 'Heart' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0;

-- BountyEntry TipCount, from tip_events
with tip as (
    select
        if(entityType = 'bountyEntry', 'BountyEntry', entityType) as entityType,
        entityId,
        fromUserId as userId,
        amount,
        createdAt
    from `metrics`.`stg_buzz_tip`
),

donation as (
    select
        arrayJoin([('ModelVersion', versions.id), ('Model', versions.modelId)]) as entity,
        donations.userId as userId,
        donations.amount as amount,
        donations.createdAt as createdAt
    from `metrics`.`stg_donation` as donations
    inner join `metrics`.`stg_donation_goal` as goals on donations.donationGoalId = goals.id
    inner join `metrics`.`stg_model_version` as versions on goals.modelVersionId = versions.id
),

gift as (
    select
        entityType,
        entityId,
        userId,
        amount,
        createdAt
    from tip
    union all
    select
        entity.1 as entityType,
        entity.2 as entityId,
        userId,
        amount,
        createdAt
    from donation
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
                'BountyEntry', entityId, userId, 'TipCount', 1, createdAt,
                entityType = 'BountyEntry' and entityId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from gift
)
where event.7 and event.5 != 0;

-- BountyEntry TipAmount, from tip_events
with tip as (
    select
        if(entityType = 'bountyEntry', 'BountyEntry', entityType) as entityType,
        entityId,
        fromUserId as userId,
        amount,
        createdAt
    from `metrics`.`stg_buzz_tip`
),

donation as (
    select
        arrayJoin([('ModelVersion', versions.id), ('Model', versions.modelId)]) as entity,
        donations.userId as userId,
        donations.amount as amount,
        donations.createdAt as createdAt
    from `metrics`.`stg_donation` as donations
    inner join `metrics`.`stg_donation_goal` as goals on donations.donationGoalId = goals.id
    inner join `metrics`.`stg_model_version` as versions on goals.modelVersionId = versions.id
),

gift as (
    select
        entityType,
        entityId,
        userId,
        amount,
        createdAt
    from tip
    union all
    select
        entity.1 as entityType,
        entity.2 as entityId,
        userId,
        amount,
        createdAt
    from donation
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
                'BountyEntry', entityId, userId, 'TipAmount', amount, createdAt,
                entityType = 'BountyEntry' and entityId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from gift
)
where event.7 and event.5 != 0;
