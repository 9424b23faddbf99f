with earning as (
    select
        modelVersionId,
        total,
        toDateTime64(date, 3, 'UTC') as createdAt
    from `default`.`buzz_resource_compensation`
    -- of a restated row only the last version counts, merged or not
    settings final = 1
),

compensation as (
    select
        earnings.modelVersionId as modelVersionId,
        versions.modelId as modelId,
        earnings.total as total,
        earnings.createdAt as createdAt
    from earning as earnings
    inner join `metrics`.`stg_model_version` as versions on earnings.modelVersionId = versions.id
)

select
    ['Model', 'ModelVersion'][toLowCardinality(event.1)] as entityType,
    assumeNotNull(event.2) as entityId,
    ifNull(event.3, 0) as userId,
    'Earned' as metricType,
    event.4 as metricValue,
    greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC')) as createdAt
from (
    select
        createdAt,
        arrayJoin(arrayFilter(event -> event.1 > 0, [
            -- number of the metric (0: no event), entityId, userId, metricValue
            (if(modelId in (select id from `metrics`.`stg_model`) and total != 0, 1, 0), modelId,        0, total), -- Model Earned
            (if(total != 0, 2, 0),                                                       modelVersionId, 0, total) -- ModelVersion Earned
        ])) as event
    from compensation
)
