{#
    What a run intended to publish and did not live to enter as published: metrics and partitions whose next run
    will look them up in the log, and adopt or write them.
#}

select
    intended.model as model,
    intended.entity_type as entity_type,
    intended.metric_type as metric_type,
    intended.partition_id as partition_id,
    intended.rows as events,
    intended.invocation_id as run,
    intended.at as at
from {{ publications() }} as intended
left anti join {{ publications() }} as published
    on
        intended.event_log = published.event_log
        and intended.entity_type = published.entity_type
        and intended.metric_type = published.metric_type
        and intended.window_end = published.window_end
        and intended.partition_id = published.partition_id
        and published.state = 'published'
where
    intended.state = 'intended'
    and intended.event_log = '{{ var("event_log") }}'
order by
    at,
    entity_type,
    metric_type,
    partition_id
