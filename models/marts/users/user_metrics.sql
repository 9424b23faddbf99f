{{ config(materialized='view') }}

{#
    What a user's profile shows: one row a user. What happens to a version happens to its model as well, and the reactions to an
    image to its post, so versions and the reactions to posts are left out: they would count twice.
#}

{% set reactions = "'ReactionLike', 'ReactionDislike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart'" %}

with term as (
    -- the user's own metrics
    select
        entityId as userId,
        'User' as kind,
        metricType as metric,
        value
    from {{ ref('entity_metric_terms') }}
    where entityType = 'User'

    union all

    -- those of what the user made; reactions to images, and so to posts, are among the user's own
    select
        owned.userId as userId,
        terms.entityType as kind,
        terms.metricType as metric,
        terms.value as value
    from {{ ref('owned_entities') }} as owned
    inner join {{ ref('entity_metric_terms') }} as terms on owned.entityType = terms.entityType and owned.entityId = terms.entityId
    where
        terms.entityType in ('Model', 'Post', 'Image', 'Article', 'Bounty', 'BountyEntry')
        and not (terms.entityType in ('Post', 'Image') and terms.metricType in ({{ reactions }}))

    union all

    -- tips to images, of which the log has the amount only
    select
        image.userId as userId,
        'Image' as kind,
        'tips' as metric,
        toInt64(count()) as value
    from {{ ref('stg_buzz_tip') }} as tip
    inner join {{ ref('stg_image') }} as image on tip.entityId = image.id
    where tip.entityType = 'Image'
    group by userId

    union all

    -- how much of it there is
    select
        userId,
        entityType as kind,
        'made' as metric,
        toInt64(count()) as value
    from {{ ref('owned_entities') }}
    group by
        userId,
        entityType

    union all

    select
        model.userId as userId,
        'ModelVersion' as kind,
        'made' as metric,
        toInt64(count()) as value
    from {{ ref('stg_model_version') }} as model_version
    inner join {{ ref('stg_model') }} as model on model_version.modelId = model.id
    where model_version.status = 'Published'
    group by userId

    union all

    -- what the user gave
    select
        userId,
        'User' as kind,
        given.1 as metric,
        sum(given.2) as value
    from (
        select
            fromUserId as userId,
            amount
        from {{ ref('stg_buzz_tip') }}

        union all

        select
            userId,
            amount
        from {{ ref('stg_donation') }}
    )
    array join [('tips given', toInt64(1)), ('Buzz given', toInt64(amount))] as given
    where userId in (select known.id from {{ ref('stg_user') }} as known)
    group by
        userId,
        metric
),

metrics as (
    select
        userId,
        sumIf(value, kind = 'User' and metric = 'Follower') as followers,
        sumIf(value, kind = 'User' and metric = 'Following') as following,
        sumIf(value, kind = 'User' and metric = 'Hidden') as hidden,
        sumIf(value, kind = 'User' and metric = 'Review') as reviews,
        sumIf(value, kind = 'User' and metric = 'tips given') as tipCountGiven,
        sumIf(value, kind = 'User' and metric = 'Buzz given') as tipAmountGiven,
        sumIf(value, kind = 'Model' and metric = 'made') as models,
        sumIf(value, kind = 'ModelVersion' and metric = 'made') as modelVersions,
        sumIf(value, kind = 'Post' and metric = 'made') as posts,
        sumIf(value, kind = 'Image' and metric = 'made') as images,
        sumIf(value, kind = 'Article' and metric = 'made') as articles,
        sumIf(value, kind = 'Bounty' and metric = 'made') as bounties,
        sumIf(value, kind = 'BountyEntry' and metric = 'made') as bountyEntries,
        sumIf(value, kind = 'Model' and metric = 'Download') as downloads,
        sumIf(value, kind = 'Model' and metric = 'Generation') as generations,
        sumIf(value, kind = 'Model' and metric = 'ThumbsUp') as thumbsUp,
        sumIf(value, kind = 'Model' and metric = 'ThumbsDown') as thumbsDown,
        sumIf(value, kind = 'Model' and metric = 'RatingCount') as reviewsReceived,
        sumIf(value, kind in ('Model', 'Post', 'Image', 'Article', 'Bounty') and metric = 'Comment') as comments,
        sumIf(value, kind = 'Image' and metric = 'Comment') as imageComments,
        sumIf(value, kind = 'Article' and metric = 'Comment') as articleComments,
        sumIf(value, kind in ('Model', 'Post', 'Image', 'Article') and metric = 'Collection') as collections,
        sumIf(value, kind = 'User' and metric = 'UserImageReaction') as imageReactions,
        sumIf(value, kind = 'Article' and metric in ({{ reactions }})) as articleReactions,
        sumIf(value, kind = 'BountyEntry' and metric in ({{ reactions }})) as bountyEntryReactions,
        sumIf(value, kind in ('Model', 'Post', 'Article', 'BountyEntry') and metric = 'TipCount')
        + sumIf(value, kind = 'Image' and metric = 'tips') as tipCount,
        sumIf(value, kind in ('Model', 'Post', 'Article', 'BountyEntry') and metric = 'TipAmount')
        + sumIf(value, kind = 'Image' and metric = 'Buzz') as tipAmount,
        sumIf(value, kind = 'Model' and metric = 'Earned') as earned
    from term
    group by userId
)

select
    metrics.*,
    metrics.imageReactions + metrics.articleReactions + metrics.bountyEntryReactions as reactions,
    engagement.score as engagementScore
from metrics
left join {{ ref('user_engagement') }} as engagement on metrics.userId = engagement.userId
