with review as (
    select
        id,
        modelId,
        modelVersionId,
        rating,
        recommended,
        userId,
        exclude,
        tosViolation,
        createdAt
    from `metrics`.`stg_resource_review`
)

select
    entityType,
    entityId,
    userId,
    metricType,
    any(metricValue) as metricValue,
    min(createdAt) as createdAt
from (
    select
        event.1 as entityType,
        assumeNotNull(event.2) as entityId,
        ifNull(event.3, 0) as userId,
        event.4 as metricType,
        event.5 as metricValue,
        ifNull(event.6, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')) as createdAt,
        event.8 as sourceRow
    from (
        select
            arrayJoin([
                -- entityType, entityId, userId, metricType, metricValue, createdAt, is it an event? which source row?
                (
                    'User', userId, userId, 'Review', 1, createdAt,
                    modelVersionId in (select id from `metrics`.`stg_model_version` where status = 'Published') and userId in (select id from `metrics`.`stg_user`),
                    id
                ),
                (
                    'Model', modelId, userId, 'Rating', rating, createdAt,
                    not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`),
                    id
                ),
                (
                    'Model', modelId, userId, 'RatingCount', 1, createdAt,
                    not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`),
                    id
                ),
                (
                    'Model', modelId, userId, 'ThumbsUp', 1, createdAt,
                    not exclude and not tosViolation and recommended and modelId in (select id from `metrics`.`stg_model`),
                    0
                ),
                (
                    'Model', modelId, userId, 'ThumbsDown', 1, createdAt,
                    not exclude and not tosViolation and not recommended and modelId in (select id from `metrics`.`stg_model`),
                    0
                ),
                (
                    'ModelVersion', modelVersionId, userId, 'Rating', rating, createdAt,
                    not exclude and not tosViolation and modelVersionId in (select id from `metrics`.`stg_model_version`),
                    id
                ),
                (
                    'ModelVersion', modelVersionId, userId, 'RatingCount', 1, createdAt,
                    not exclude and not tosViolation and modelVersionId in (select id from `metrics`.`stg_model_version`),
                    id
                ),
                (
                    'ModelVersion', modelVersionId, userId, 'ThumbsUp', 1, createdAt,
                    not exclude and not tosViolation and recommended and modelVersionId in (select id from `metrics`.`stg_model_version`),
                    0
                ),
                (
                    'ModelVersion', modelVersionId, userId, 'ThumbsDown', 1, createdAt,
                    not exclude and not tosViolation and not recommended and modelVersionId in (select id from `metrics`.`stg_model_version`),
                    0
                )
            ]) as event
        from review
    )
    where event.7 and event.5 != 0
)
-- once_per_user metrics have sourceRow 0: of their events the earliest of each entity and user stays
group by entityType, entityId, userId, metricType, sourceRow
