with assumeNotNull((
    -- read once, so that generation and boundary belong together; where there is none, 0 and 1970
    select argMax((generation, boundary), generation)
    from (
        select
        max(seam.generation) as generation,
        argMax(seam.boundary, seam.generation) as boundary
    from `metrics`.`entity_metric_seams` as seam
    where state = 'rolled up'
    having
        generation > tupleElement(assumeNotNull((select argMax((generation, boundary), (at, generation)) from `metrics`.`entity_metric_seams` where state = 'current')), 1)
        and (
            boundary != tupleElement(assumeNotNull((select argMax((generation, boundary), (at, generation)) from `metrics`.`entity_metric_seams` where state = 'current')), 2)
            or (select max(at) from `metrics`.`entity_metric_months` where state = 'rolled up') > (
                select max(at) from `metrics`.`entity_metric_seams`
                where state = 'rolled up' and generation = tupleElement(assumeNotNull((select argMax((generation, boundary), (at, generation)) from `metrics`.`entity_metric_seams` where state = 'current')), 1)
            )
        )
    )
)) as seam

select
    seam.1 as generation,
    entityType,
    entityId,
    metricType,
    sum(totalOfDay) as total
from (
    select
        entityType,
        entityId,
        metricType,
        total as totalOfDay
    from `metrics`.`entity_metric_rollup`
    where day < toDate(seam.2, 'UTC')
)
group by
    entityType,
    entityId,
    metricType
