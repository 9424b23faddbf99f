with comment as (
    select
        modelId,
        userId,
        tosViolation,
        createdAt
    from `metrics`.`stg_comment`
)

select
    'Model' as entityType,
    assumeNotNull(modelId) as entityId,
    ifNull(userId, 0) as userId,
    'Comment' as metricType,
    1 as metricValue,
    min(greatest(ifNull(createdAt, toDateTime64('2022-11-01 00:00:00', 3, 'UTC')), toDateTime64('1970-01-01 00:00:01', 3, 'UTC'))) as createdAt
from comment
where
    not tosViolation
    and modelId in (select id from `metrics`.`stg_model`)
group by
    entityId,
    userId
