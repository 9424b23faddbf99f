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
                'Image', entityId, userId, 'Buzz', amount, createdAt,
                entityType = 'Image' and entityId in (select id from `metrics`.`stg_image`)
            ),
            (
                'Model', entityId, userId, 'TipCount', 1, createdAt,
                entityType = 'Model' and entityId in (select id from `metrics`.`stg_model`)
            ),
            (
                'Model', entityId, userId, 'TipAmount', amount, createdAt,
                entityType = 'Model' and entityId in (select id from `metrics`.`stg_model`)
            ),
            (
                'ModelVersion', entityId, userId, 'TipCount', 1, createdAt,
                entityType = 'ModelVersion' and entityId in (select id from `metrics`.`stg_model_version`)
            ),
            (
                'ModelVersion', entityId, userId, 'TipAmount', amount, createdAt,
                entityType = 'ModelVersion' and entityId in (select id from `metrics`.`stg_model_version`)
            ),
            (
                'Post', entityId, userId, 'TipCount', 1, createdAt,
                entityType = 'Post' and entityId in (select id from `metrics`.`stg_post`)
            ),
            (
                'Post', entityId, userId, 'TipAmount', amount, createdAt,
                entityType = 'Post' and entityId in (select id from `metrics`.`stg_post`)
            ),
            (
                'Article', entityId, userId, 'TipCount', 1, createdAt,
                entityType = 'Article' and entityId in (select id from `metrics`.`stg_article`)
            ),
            (
                'Article', entityId, userId, 'TipAmount', amount, createdAt,
                entityType = 'Article' and entityId in (select id from `metrics`.`stg_article`)
            ),
            (
                'BountyEntry', entityId, userId, 'TipCount', 1, createdAt,
                entityType = 'BountyEntry' and entityId in (select id from `metrics`.`stg_bounty_entry`)
            ),
            (
                'BountyEntry', entityId, userId, 'TipAmount', amount, createdAt,
                entityType = 'BountyEntry' and entityId in (select id from `metrics`.`stg_bounty_entry`)
            )
        ]) as event
    from gift
)
where event.7 and event.5 != 0
