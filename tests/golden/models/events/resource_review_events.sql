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
    ['User', 'Model', 'Model', 'ModelVersion', 'ModelVersion'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['Review', 'Rating', 'RatingCount', 'Rating', 'RatingCount'][toLowCardinality(event.1)] as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(ofPublishedVersion and userId in (select id from `metrics`.`stg_user`), 1, 0),                                                userId,         userId, 1), -- User Review
            (if(not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`) and rating != 0, 2, 0),                modelId,        userId, rating), -- Model Rating
            (if(not exclude and not tosViolation and modelId in (select id from `metrics`.`stg_model`), 3, 0),                                modelId,        userId, 1), -- Model RatingCount
            (if(not exclude and not tosViolation and modelVersionId in (select id from `metrics`.`stg_model_version`) and rating != 0, 4, 0), modelVersionId, userId, rating), -- ModelVersion Rating
            (if(not exclude and not tosViolation and modelVersionId in (select id from `metrics`.`stg_model_version`), 5, 0),                 modelVersionId, userId, 1) -- ModelVersion RatingCount
        ])) as event
    from review
)

union all

select
    ['Model', 'Model', 'ModelVersion', 'ModelVersion'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    ['ThumbsUp', 'ThumbsDown', 'ThumbsUp', 'ThumbsDown'][toLowCardinality(event.1)] as metricType,
    any(event.4) as metricValue,
    min(greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC'))) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(not exclude and not tosViolation and recommended and modelId in (select id from `metrics`.`stg_model`), 1, 0),                    modelId,        userId, 1), -- Model ThumbsUp
            (if(not exclude and not tosViolation and not recommended and modelId in (select id from `metrics`.`stg_model`), 2, 0),                modelId,        userId, 1), -- Model ThumbsDown
            (if(not exclude and not tosViolation and recommended and modelVersionId in (select id from `metrics`.`stg_model_version`), 3, 0),     modelVersionId, userId, 1), -- ModelVersion ThumbsUp
            (if(not exclude and not tosViolation and not recommended and modelVersionId in (select id from `metrics`.`stg_model_version`), 4, 0), modelVersionId, userId, 1) -- ModelVersion ThumbsDown
        ])) as event
    from review
)
group by
    event.1,
    entityId,
    userId
