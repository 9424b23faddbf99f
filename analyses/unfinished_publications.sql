{#
    What a run intended to publish and did not live to enter as published: metrics and partitions whose next run
    will look them up in the log, and adopt or write them.
#}

select
    argMax(model, at) as model_name,
    entity_type,
    metric_type,
    window_end,
    partition_id,
    argMax(`rows`, at) as events,
    argMax(invocation_id, at) as run,
    max(at) as intended_at
from {{ publications() }}
where event_log = '{{ var("event_log") }}'
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
