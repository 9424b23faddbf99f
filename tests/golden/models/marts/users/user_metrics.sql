with  __dbt__cte__owned_entities as (

select
    'Model' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_model`

union all

select
    'Post' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_post`

union all

select
    'Image' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_image`

union all

select
    'Article' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_article`

union all

-- a bounty and an entry may have lost their user
select
    'Bounty' as entityType,
    id as entityId,
    assumeNotNull(bounty.userId) as userId
from `metrics`.`stg_bounty` as bounty
where bounty.userId is not null

union all

select
    'BountyEntry' as entityType,
    id as entityId,
    assumeNotNull(entry.userId) as userId
from `metrics`.`stg_bounty_entry` as entry
where entry.userId is not null
),  __dbt__cte__user_engagement as (

with score as (
    select
        event.entityType as entityType,
        event.entityId as entityId,
        sum(sign(event.metricValue) * weight.weight) as score
    from `metrics`.`logged_events` as event
    inner join `metrics`.`engagement_weights` as weight on event.entityType = weight.entity_type and event.metricType = weight.metric_type
    where event.createdAt >= now64(3, 'UTC') - toIntervalDay(30)
    group by
        entityType,
        entityId
)

select
    owned.userId as userId,
    sum(score.score) as score
from `__dbt__cte__owned_entities` as owned
-- on the right, of which ClickHouse makes a hash table: there are fewer of these than images
inner join score on owned.entityType = score.entityType and owned.entityId = score.entityId
group by userId
), term as (
    -- the user's own metrics
    select
        entityId as userId,
        'User' as kind,
        metricType as metric,
        value
    from `metrics`.`entity_metric_terms`
    where entityType = 'User'

    union all

    -- those of what the user made; reactions to images, and so to posts, are among the user's own
    select
        owned.userId as userId,
        terms.entityType as kind,
        terms.metricType as metric,
        terms.value as value
    from `__dbt__cte__owned_entities` as owned
    inner join `metrics`.`entity_metric_terms` as terms on owned.entityType = terms.entityType and owned.entityId = terms.entityId
    where
        terms.entityType in ('Model', 'Post', 'Image', 'Article', 'Bounty', 'BountyEntry')
        and not (terms.entityType in ('Post', 'Image') and terms.metricType in ('ReactionLike', 'ReactionDislike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart'))

    union all

    -- tips to images, of which the log has the amount only
    select
        image.userId as userId,
        'Image' as kind,
        'tips' as metric,
        toInt64(count()) as value
    from `metrics`.`stg_buzz_tip` as tip
    inner join `metrics`.`stg_image` as image on tip.entityId = image.id
    where tip.entityType = 'Image'
    group by userId

    union all

    -- how much of it there is
    select
        userId,
        entityType as kind,
        'made' as metric,
        toInt64(count()) as value
    from `__dbt__cte__owned_entities`
    group by
        userId,
        entityType

    union all

    select
        model.userId as userId,
        'ModelVersion' as kind,
        'made' as metric,
        toInt64(count()) as value
    from `metrics`.`stg_model_version` as model_version
    inner join `metrics`.`stg_model` as model on model_version.modelId = model.id
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
        from `metrics`.`stg_buzz_tip`

        union all

        select
            userId,
            amount
        from `metrics`.`stg_donation`
    )
    array join [('tips given', toInt64(1)), ('Buzz given', toInt64(amount))] as given
    where userId in (select known.id from `metrics`.`stg_user` as known)
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
        sumIf(value, kind = 'Article' and metric in ('ReactionLike', 'ReactionDislike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart')) as articleReactions,
        sumIf(value, kind = 'BountyEntry' and metric in ('ReactionLike', 'ReactionDislike', 'ReactionLaugh', 'ReactionCry', 'ReactionHeart')) as bountyEntryReactions,
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
left join `__dbt__cte__user_engagement` as engagement on metrics.userId = engagement.userId
