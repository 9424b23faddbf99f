-- noqa: disable=all
select *
from `metrics`.`feed_metrics`
where (entityType, entityId) global in (
    select
        entityType,
        entityId
    from `metrics`.`feed_metric_changes`
    where changedAt >= {since:DateTime64(3, 'UTC')}
)
