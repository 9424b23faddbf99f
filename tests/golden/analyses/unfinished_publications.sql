select
    argMax(model, at) as model_name,
    entity_type,
    metric_type,
    window_end,
    partition_id,
    argMax(`rows`, at) as events,
    argMax(invocation_id, at) as run,
    max(at) as intended_at
from `metrics`.`metric_publications`
where event_log = 'default.entityMetricEvents'
group by
    entity_type,
    metric_type,
    window_end,
    partition_id
having countIf(state = 'published') = 0
order by
    intended_at,
    entity_type,
    metric_type,
    partition_id
