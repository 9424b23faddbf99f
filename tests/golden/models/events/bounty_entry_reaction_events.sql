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
    ['ReactionLike', 'ReactionDislike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart'][toLowCardinality(metricNumber)] as metricType,
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
                if(reaction = 'Like' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 1, 0), -- BountyEntry ReactionLike
                if(reaction = 'Dislike' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 2, 0), -- BountyEntry ReactionDislike
                if(reaction = 'Laugh' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 3, 0), -- BountyEntry ReactionLaugh
                if(reaction = 'Cry' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 4, 0), -- BountyEntry ReactionCry
                if(reaction = 'Heart' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 5, 0) -- BountyEntry ReactionHeart
            ])) as metricNumber
        from reaction
    )
)
