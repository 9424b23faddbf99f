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
    ['User', 'Model', 'Model', 'Model', 'Model', 'ModelVersion', 'ModelVersion', 'ModelVersion', 'ModelVersion'][toLowCardinality(metricNumber)] as entityType,
    assumeNotNull(event.1) as entityId,
    ifNull(event.2, 0) as userId,
    ['Review', 'Rating', 'RatingCount', 'ThumbsUp', 'ThumbsDown', 'Rating', 'RatingCount', 'ThumbsUp', 'ThumbsDown'][toLowCardinality(metricNumber)] as metricType,
    any(event.3) as metricValue,
    min(ifNull(event.4, toDateTime64('2022-11-01 00:00:00', 3, 'UTC'))) as createdAt
from (
    select
        metricNumber,
        -- entityId, userId, metricValue, createdAt, source row (0 where a user counts once)
        (
            [userId, modelId, modelVersionId][[1, 2, 2, 2, 2, 3, 3, 3, 3][metricNumber]],
            userId,
            [1, rating][[1, 2, 1, 1, 1, 2, 1, 1, 1][metricNumber]],
            createdAt,
            [id, 0][[1, 1, 1, 2, 2, 1, 1, 2, 2][metricNumber]]
        ) as event
    from (
        select
            *,
            -- which metrics is the row an event of?
            arrayJoin(arrayFilter(number -> number > 0, [
                if(modelVersionId in (select id from `metrics`.`stg_model_version` where status = 'Published') and userId in (select id from `metrics`.`stg_user`), 1, 0), -- User Review
                if(not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`) and rating != 0, 2, 0), -- Model Rating
                if(not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`), 3, 0), -- Model RatingCount
                if(not exclude and not tosViolation and recommended and modelId in (select id from `metrics`.`stg_model`), 4, 0), -- Model ThumbsUp
                if(not exclude and not tosViolation and not recommended and modelId in (select id from `metrics`.`stg_model`), 5, 0), -- Model ThumbsDown
                if(not exclude and not tosViolation and modelVersionId in (select id from `metrics`.`stg_model_version`) and rating != 0, 6, 0), -- ModelVersion Rating
                if(not exclude and not tosViolation and modelVersionId in (select id from `metrics`.`stg_model_version`), 7, 0), -- ModelVersion RatingCount
                if(not exclude and not tosViolation and recommended and modelVersionId in (select id from `metrics`.`stg_model_version`), 8, 0), -- ModelVersion ThumbsUp
                if(not exclude and not tosViolation and not recommended and modelVersionId in (select id from `metrics`.`stg_model_version`), 9, 0) -- ModelVersion ThumbsDown
            ])) as metricNumber
        from review
    )
)
-- of the events with the same source row, entity and user the earliest stays
group by metricNumber, entityId, userId, event.5
