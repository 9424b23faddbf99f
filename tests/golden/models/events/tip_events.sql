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
    ['Image', 'Model', 'Model', 'ModelVersion', 'ModelVersion', 'Post', 'Post', 'Article', 'Article', 'BountyEntry', 'BountyEntry'][toLowCardinality(metricNumber)] as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    ['Buzz', 'TipCount', 'TipAmount', 'TipCount', 'TipAmount', 'TipCount', 'TipAmount', 'TipCount', 'TipAmount', 'TipCount', 'TipAmount'][toLowCardinality(metricNumber)] as metricType,
    event.3 as metricValue,
    ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt
        (
            entityId,
            userId,
            [amount, 1][[1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1][metricNumber]],
            createdAt
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(entityType = 'Image' and entityId in (select id from `metrics`.`stg_image`) and amount != 0, 1, 0), -- Image Buzz
                if(entityType = 'Model' and entityId in (select id from `metrics`.`stg_model`), 2, 0), -- Model TipCount
                if(entityType = 'Model' and entityId in (select id from `metrics`.`stg_model`) and amount != 0, 3, 0), -- Model TipAmount
                if(entityType = 'ModelVersion' and entityId in (select id from `metrics`.`stg_model_version`), 4, 0), -- ModelVersion TipCount
                if(entityType = 'ModelVersion' and entityId in (select id from `metrics`.`stg_model_version`) and amount != 0, 5, 0), -- ModelVersion TipAmount
                if(entityType = 'Post' and entityId in (select id from `metrics`.`stg_post`), 6, 0), -- Post TipCount
                if(entityType = 'Post' and entityId in (select id from `metrics`.`stg_post`) and amount != 0, 7, 0), -- Post TipAmount
                if(entityType = 'Article' and entityId in (select id from `metrics`.`stg_article`), 8, 0), -- Article TipCount
                if(entityType = 'Article' and entityId in (select id from `metrics`.`stg_article`) and amount != 0, 9, 0), -- Article TipAmount
                if(entityType = 'BountyEntry' and entityId in (select id from `metrics`.`stg_bounty_entry`), 10, 0), -- BountyEntry TipCount
                if(entityType = 'BountyEntry' and entityId in (select id from `metrics`.`stg_bounty_entry`) and amount != 0, 11, 0) -- BountyEntry TipAmount
            ])) as metricNumber
        from gift
    )
)
