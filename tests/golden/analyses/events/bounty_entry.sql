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
            awardedToId,
            userId,
            unitAmount,
            awardedAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(awardedToId in (select id from `metrics`.`stg_bounty_entry`) and unitAmount != 0, 1, 0) -- BountyEntry UnitAmount
            ])) as metricNumber
        from benefactor
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ReactionLike' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyEntryId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Like' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 1, 0) -- BountyEntry ReactionLike
            ])) as metricNumber
        from reaction
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ReactionDislike' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyEntryId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Dislike' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 1, 0) -- BountyEntry ReactionDislike
            ])) as metricNumber
        from reaction
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ReactionLaugh' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyEntryId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Laugh' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 1, 0) -- BountyEntry ReactionLaugh
            ])) as metricNumber
        from reaction
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ReactionCry' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyEntryId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Cry' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 1, 0) -- BountyEntry ReactionCry
            ])) as metricNumber
        from reaction
    )
);

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
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'ReactionHeart' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            bountyEntryId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(reaction = 'Heart' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 1, 0) -- BountyEntry ReactionHeart
            ])) as metricNumber
        from reaction
    )
);

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
    'BountyEntry' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'TipCount' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            entityId,
            userId,
            1,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(entityType = 'BountyEntry' and entityId in (select id from `metrics`.`stg_bounty_entry`), 1, 0) -- BountyEntry TipCount
            ])) as metricNumber
        from gift
    )
);

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
    'BountyEntry' as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    'TipAmount' as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            entityId,
            userId,
            amount,
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(entityType = 'BountyEntry' and entityId in (select id from `metrics`.`stg_bounty_entry`) and amount != 0, 1, 0) -- BountyEntry TipAmount
            ])) as metricNumber
        from gift
    )
);
