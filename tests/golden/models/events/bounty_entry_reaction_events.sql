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
            ),
            (
                'BountyEntry', bountyEntryId, userId, 'ReactionDislike', 1, createdAt,
                reaction = 'Dislike' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`)
            ),
            (
                'BountyEntry', bountyEntryId, userId, 'ReactionLaugh', 1, createdAt,
                reaction = 'Laugh' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`)
            ),
            (
                'BountyEntry', bountyEntryId, userId, 'ReactionCry', 1, createdAt,
                reaction = 'Cry' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`)
            ),
            (
                'BountyEntry', bountyEntryId, userId, 'ReactionHeart', 1, createdAt,
                reaction = 'Heart' and bountyEntryId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from reaction
)
where event.7 and event.5 != 0
