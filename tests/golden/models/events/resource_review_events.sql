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
        modelVersionId in (
            select versions.id
            from `metrics`.`stg_model_version` as versions
            where versions.status = 'Published'
        ) as ofPublishedVersion,
        createdAt
    from `metrics`.`stg_resource_review`
)

select
    ['User', 'Model', 'Model', 'Model', 'Model', 'ModelVersion', 'ModelVersion', 'ModelVersion', 'ModelVersion'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['Review', 'Rating', 'RatingCount', 'ThumbsUp', 'ThumbsDown', 'Rating', 'RatingCount', 'ThumbsUp', 'ThumbsDown'][toLowCardinality(event.1)] as metricType,
    any(event.4) as metricValue,
    min(greatest(ifNull(event.5, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC'))) as createdAt
from (
    select
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue, createdAt, source row (0 where a user counts once)
            (if(ofPublishedVersion and userId in (select id from `metrics`.`stg_user`), 1, 0),                                                    userId,         userId, 1,      createdAt, id), -- User Review
            (if(not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`) and rating != 0, 2, 0),                    modelId,        userId, rating, createdAt, id), -- Model Rating
            (if(not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`), 3, 0),                                    modelId,        userId, 1,      createdAt, id), -- Model RatingCount
            (if(not exclude and not tosViolation and recommended and modelId in (select id from `metrics`.`stg_model`), 4, 0),                    modelId,        userId, 1,      createdAt, 0), -- Model ThumbsUp
            (if(not exclude and not tosViolation and not recommended and modelId in (select id from `metrics`.`stg_model`), 5, 0),                modelId,        userId, 1,      createdAt, 0), -- Model ThumbsDown
            (if(not exclude and not tosViolation and modelVersionId in (select id from `metrics`.`stg_model_version`) and rating != 0, 6, 0),     modelVersionId, userId, rating, createdAt, id), -- ModelVersion Rating
            (if(not exclude and not tosViolation and modelVersionId in (select id from `metrics`.`stg_model_version`), 7, 0),                     modelVersionId, userId, 1,      createdAt, id), -- ModelVersion RatingCount
            (if(not exclude and not tosViolation and recommended and modelVersionId in (select id from `metrics`.`stg_model_version`), 8, 0),     modelVersionId, userId, 1,      createdAt, 0), -- ModelVersion ThumbsUp
            (if(not exclude and not tosViolation and not recommended and modelVersionId in (select id from `metrics`.`stg_model_version`), 9, 0), modelVersionId, userId, 1,      createdAt, 0) -- ModelVersion ThumbsDown
        ])) as event
    from review
)
group by
    event.1,
    entityId,
    userId,
    event.6
