select
    kind,
    entity_type,
    metric_type,
    argMax(window_start, (at, state)) as window_from,
    argMax(window_end, (at, state)) as window_until,
    argMax(state, (at, state)) as reached,
    argMax(publication, (at, state)) as run,
    max(at) as since
from `metrics`.`metric_publications`
where
    event_log = 'default.entityMetricEvents'
    and partition_id = ''
group by
    kind,
    entity_type,
    metric_type
having reached != 'published' and window_from < window_until
order by
    since,
    entity_type,
    metric_type
