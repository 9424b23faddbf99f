{#
    Tips and donations. A donation to a goal of a model version is a tip to the version and to its model.
    Bounty entries are spelled in two ways in BuzzTip; an entity type that no metric below names is reported by
    the accepted_values test of stg_buzz_tip.entityType.
#}

with tip as (
    select
        if(entityType = 'bountyEntry', 'BountyEntry', entityType) as entityType,
        entityId,
        fromUserId as userId,
        amount,
        createdAt
    from {{ ref('stg_buzz_tip') }}
),

donation as (
    select
        arrayJoin([('ModelVersion', versions.id), ('Model', versions.modelId)]) as entity,
        donations.userId as userId,
        donations.amount as amount,
        donations.createdAt as createdAt
    from {{ ref('stg_donation') }} as donations
    inner join {{ ref('stg_donation_goal') }} as goals on donations.donationGoalId = goals.id
    inner join {{ ref('stg_model_version') }} as versions on goals.modelVersionId = versions.id
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

{{ metric_events('gift', [
    metric('Image', 'Buzz', entity_id='entityId', value='amount', when="entityType = 'Image'"),

    metric('Model', 'TipCount', entity_id='entityId', when="entityType = 'Model'"),
    metric('Model', 'TipAmount', entity_id='entityId', value='amount', when="entityType = 'Model'"),
    metric('ModelVersion', 'TipCount', entity_id='entityId', when="entityType = 'ModelVersion'"),
    metric('ModelVersion', 'TipAmount', entity_id='entityId', value='amount', when="entityType = 'ModelVersion'"),
    metric('Post', 'TipCount', entity_id='entityId', when="entityType = 'Post'"),
    metric('Post', 'TipAmount', entity_id='entityId', value='amount', when="entityType = 'Post'"),
    metric('Article', 'TipCount', entity_id='entityId', when="entityType = 'Article'"),
    metric('Article', 'TipAmount', entity_id='entityId', value='amount', when="entityType = 'Article'"),
    metric('BountyEntry', 'TipCount', entity_id='entityId', when="entityType = 'BountyEntry'"),
    metric('BountyEntry', 'TipAmount', entity_id='entityId', value='amount', when="entityType = 'BountyEntry'"),
]) }}
