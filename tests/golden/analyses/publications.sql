select
    kind,
    entity_type,
    metric_type,
    window_start,
    window_end,
    `rows` as events,
    value_sum,
    publication as run,
    at
from `metrics`.`metric_publications`
where
    event_log = 'default.entityMetricEvents'
    and state = 'published'
    and partition_id = ''
order by
    at,
    entity_type,
    metric_type
