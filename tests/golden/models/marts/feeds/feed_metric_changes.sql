with assumeNotNull((select argMax((generation, boundary), (at, generation)) from `metrics`.`entity_metric_seams` where state = 'current')) as seam

select
    entityType,
    entityId,
    toDateTime64(createdAt, 3, 'UTC') as changedAt
from `metrics`.`logged_events`
where createdAt >= seam.2

union all

-- of a day that was rolled up, the moment is not known: at the latest when the day ended
select
    entityType,
    entityId,
    cast(day + 1, 'DateTime64(3, \'UTC\')') as changedAt
from `metrics`.`entity_metric_rollup`
where day < toDate(seam.2, 'UTC')

-- a day that has left a window: the day, the week, the month and the year

    union all

    select
        entityType,
        entityId,
        cast(day + 2, 'DateTime64(3, \'UTC\')') as changedAt
    from `metrics`.`entity_metric_daily`
    where day < (select toDate(now64(3, 'UTC'), 'UTC')) - 1

    union all

    select
        entityType,
        entityId,
        cast(day + 8, 'DateTime64(3, \'UTC\')') as changedAt
    from `metrics`.`entity_metric_daily`
    where day < (select toDate(now64(3, 'UTC'), 'UTC')) - 7

    union all

    select
        entityType,
        entityId,
        cast(day + 31, 'DateTime64(3, \'UTC\')') as changedAt
    from `metrics`.`entity_metric_daily`
    where day < (select toDate(now64(3, 'UTC'), 'UTC')) - 30

    union all

    select
        entityType,
        entityId,
        cast(day + 366, 'DateTime64(3, \'UTC\')') as changedAt
    from `metrics`.`entity_metric_daily`
    where day < (select toDate(now64(3, 'UTC'), 'UTC')) - 365
