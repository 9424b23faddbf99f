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
    ['Image', 'Model', 'Model', 'ModelVersion', 'ModelVersion', 'Post', 'Post', 'Article', 'Article', 'BountyEntry', 'BountyEntry'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['Buzz', 'TipCount', 'TipAmount', 'TipCount', 'TipAmount', 'TipCount', 'TipAmount', 'TipCount', 'TipAmount', 'TipCount', 'TipAmount'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(kind = 'Image' and entityId in (select id from `metrics`.`stg_image`) and amount != 0, 1, 0),                entityId, userId, amount), -- Image Buzz
            (if(kind = 'Model' and entityId in (select id from `metrics`.`stg_model`), 2, 0),                                entityId, userId, 1), -- Model TipCount
            (if(kind = 'Model' and entityId in (select id from `metrics`.`stg_model`) and amount != 0, 3, 0),                entityId, userId, amount), -- Model TipAmount
            (if(kind = 'ModelVersion' and entityId in (select id from `metrics`.`stg_model_version`), 4, 0),                 entityId, userId, 1), -- ModelVersion TipCount
            (if(kind = 'ModelVersion' and entityId in (select id from `metrics`.`stg_model_version`) and amount != 0, 5, 0), entityId, userId, amount), -- ModelVersion TipAmount
            (if(kind = 'Post' and entityId in (select id from `metrics`.`stg_post`), 6, 0),                                  entityId, userId, 1), -- Post TipCount
            (if(kind = 'Post' and entityId in (select id from `metrics`.`stg_post`) and amount != 0, 7, 0),                  entityId, userId, amount), -- Post TipAmount
            (if(kind = 'Article' and entityId in (select id from `metrics`.`stg_article`), 8, 0),                            entityId, userId, 1), -- Article TipCount
            (if(kind = 'Article' and entityId in (select id from `metrics`.`stg_article`) and amount != 0, 9, 0),            entityId, userId, amount), -- Article TipAmount
            (if(kind = 'BountyEntry' and entityId in (select id from `metrics`.`stg_bounty_entry`), 10, 0),                  entityId, userId, 1), -- BountyEntry TipCount
            (if(kind = 'BountyEntry' and entityId in (select id from `metrics`.`stg_bounty_entry`) and amount != 0, 11, 0),  entityId, userId, amount) -- BountyEntry TipAmount
        ])) as event
    from gift
)
