{# What a feeder reads for its search index: the rows of feed_metrics of each entity whose windows changed since a moment. #}

-- noqa: disable=all
select *
from {{ ref('feed_metrics') }}
where (entityType, entityId) global in (
    select
        entityType,
        entityId
    from {{ ref('feed_metric_changes') }}
    where changedAt >= {since:DateTime64(3, 'UTC')}
)
