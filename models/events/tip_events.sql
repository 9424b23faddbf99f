{#
    Tips and donations. A donation to a goal of a model version is a tip to the version and to its model.
    Bounty entries are spelled in two ways in BuzzTip; an entity type that no metric below names is reported by
    the accepted_values test of stg_buzz_tip.entityType.
#}

with goal as (
    select
        id,
        -- the pair replaces the old column: a goal of another kind is for no version, whatever the old column says
        case
            when entityType = 'ModelVersion' then coalesce(entityId, modelVersionId)
            when entityType is null then modelVersionId
        end as versionId
    from {{ ref('stg_donation_goal') }}
),

donation as (
    select
        versions.id as versionId,
        versions.modelId as modelId,
        donations.userId as userId,
        donations.amount as amount,
        donations.createdAt as createdAt
    from {{ ref('stg_donation') }} as donations
    inner join goal as goals on donations.donationGoalId = goals.id
    inner join {{ ref('stg_model_version') }} as versions on goals.versionId = versions.id
),

gift as (
    select
        case when entityType = 'bountyEntry' then 'BountyEntry' else entityType end as kind,
        entityId,
        fromUserId as userId,
        amount,
        createdAt
    from {{ ref('stg_buzz_tip') }}

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

{{ metric_events('gift', [
    metric('Image', 'Buzz', entity_id='entityId', value='amount', when="kind = 'Image'"),

    metric('Model', 'TipCount', entity_id='entityId', when="kind = 'Model'"),
    metric('Model', 'TipAmount', entity_id='entityId', value='amount', when="kind = 'Model'"),
    metric('ModelVersion', 'TipCount', entity_id='entityId', when="kind = 'ModelVersion'"),
    metric('ModelVersion', 'TipAmount', entity_id='entityId', value='amount', when="kind = 'ModelVersion'"),
    metric('Post', 'TipCount', entity_id='entityId', when="kind = 'Post'"),
    metric('Post', 'TipAmount', entity_id='entityId', value='amount', when="kind = 'Post'"),
    metric('Article', 'TipCount', entity_id='entityId', when="kind = 'Article'"),
    metric('Article', 'TipAmount', entity_id='entityId', value='amount', when="kind = 'Article'"),
    metric('BountyEntry', 'TipCount', entity_id='entityId', when="kind = 'BountyEntry'"),
    metric('BountyEntry', 'TipAmount', entity_id='entityId', value='amount', when="kind = 'BountyEntry'"),
]) }}
