{#
    What a run intended to publish and did not live to enter as published: metrics and partitions whose next run
    will look them up in the log, and adopt or write them.
#}

select
    model,
    entity_type,
    metric_type,
    partition_id,
    `rows` as events,
    invocation_id as run,
    at
from {{ publications() }}
where
    event_log = '{{ var("event_log") }}'
    and state = 'intended'
    and (entity_type, metric_type, window_end, partition_id) not in (
        select
            entity_type,
            metric_type,
            window_end,
            partition_id
        from {{ publications() }}
        where
            event_log = '{{ var("event_log") }}'
            and state = 'published'
    )
order by
    at,
    entity_type,
    metric_type,
    partition_id
