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
    'BountyEntry' as entityType,
    assumeNotNull(awardedToId) as entityId,
    ifNull(userId, 0) as userId,
    'UnitAmount' as metricType,
    unitAmount as metricValue,
    greatest(ifNull(awardedAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from benefactor
where
    awardedToId in (select id from `metrics`.`stg_bounty_entry`)
    and unitAmount != 0;

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
    'BountyEntry' as entityType,
    assumeNotNull(bountyEntryId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionLike' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Like'
    and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`);

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
    'BountyEntry' as entityType,
    assumeNotNull(bountyEntryId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionDislike' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Dislike'
    and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`);

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
    'BountyEntry' as entityType,
    assumeNotNull(bountyEntryId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionLaugh' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Laugh'
    and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`);

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
    'BountyEntry' as entityType,
    assumeNotNull(bountyEntryId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionCry' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Cry'
    and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`);

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
    'BountyEntry' as entityType,
    assumeNotNull(bountyEntryId) as entityId,
    ifNull(userId, 0) as userId,
    'ReactionHeart' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from reaction
where
    reaction = 'Heart'
    and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`);

-- BountyEntry TipCount, from tip_events
with goal as (
    select
        id,
        -- the pair replaces the old column: a goal of another kind is for no version, whatever the old column says
        case
            when entityType = 'ModelVersion' then coalesce(entityId, modelVersionId)
            when entityType is null then modelVersionId
        end as versionId
    from `metrics`.`stg_donation_goal`
),

donation as (
    select
        versions.id as versionId,
        versions.modelId as modelId,
        donations.userId as userId,
        donations.amount as amount,
        donations.createdAt as createdAt
    from `metrics`.`stg_donation` as donations
    inner join goal as goals on donations.donationGoalId = goals.id
    inner join `metrics`.`stg_model_version` as versions on goals.versionId = versions.id
),

gift as (
    select
        case when entityType = 'bountyEntry' then 'BountyEntry' else entityType end as kind,
        entityId,
        fromUserId as userId,
        amount,
        createdAt
    from `metrics`.`stg_buzz_tip`

    union all

    select
        'ModelVersion' as kind,
        versionId as entityId,
        userId,
        amount,
        createdAt
    from donation

    union all

    select
        'Model' as kind,
        modelId as entityId,
        userId,
        amount,
        createdAt
    from donation
)

select
    'BountyEntry' as entityType,
    assumeNotNull(entityId) as entityId,
    ifNull(userId, 0) as userId,
    'TipCount' as metricType,
    1 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from gift
where
    kind = 'BountyEntry'
    and entityId in (select id from `metrics`.`stg_bounty_entry`);

-- BountyEntry TipAmount, from tip_events
with goal as (
    select
        id,
        -- the pair replaces the old column: a goal of another kind is for no version, whatever the old column says
        case
            when entityType = 'ModelVersion' then coalesce(entityId, modelVersionId)
            when entityType is null then modelVersionId
        end as versionId
    from `metrics`.`stg_donation_goal`
),

donation as (
    select
        versions.id as versionId,
        versions.modelId as modelId,
        donations.userId as userId,
        donations.amount as amount,
        donations.createdAt as createdAt
    from `metrics`.`stg_donation` as donations
    inner join goal as goals on donations.donationGoalId = goals.id
    inner join `metrics`.`stg_model_version` as versions on goals.versionId = versions.id
),

gift as (
    select
        case when entityType = 'bountyEntry' then 'BountyEntry' else entityType end as kind,
        entityId,
        fromUserId as userId,
        amount,
        createdAt
    from `metrics`.`stg_buzz_tip`

    union all

    select
        'ModelVersion' as kind,
        versionId as entityId,
        userId,
        amount,
        createdAt
    from donation

    union all

    select
        'Model' as kind,
        modelId as entityId,
        userId,
        amount,
        createdAt
    from donation
)

select
    'BountyEntry' as entityType,
    assumeNotNull(entityId) as entityId,
    ifNull(userId, 0) as userId,
    'TipAmount' as metricType,
    amount as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from gift
where
    kind = 'BountyEntry'
    and entityId in (select id from `metrics`.`stg_bounty_entry`)
    and amount != 0;
