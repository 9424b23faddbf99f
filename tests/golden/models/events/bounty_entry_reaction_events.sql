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
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['ReactionLike', 'ReactionDislike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(reaction = 'Like' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 1, 0),    bountyEntryId, userId, 1), -- BountyEntry ReactionLike
            (if(reaction = 'Dislike' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 2, 0), bountyEntryId, userId, 1), -- BountyEntry ReactionDislike
            (if(reaction = 'Laugh' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 3, 0),   bountyEntryId, userId, 1), -- BountyEntry ReactionLaugh
            (if(reaction = 'Cry' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 4, 0),     bountyEntryId, userId, 1), -- BountyEntry ReactionCry
            (if(reaction = 'Heart' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`), 5, 0),   bountyEntryId, userId, 1) -- BountyEntry ReactionHeart
        ])) as event
    from reaction
)
