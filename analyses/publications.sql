{# What was put into the event log: per metric the windows, their events, and the run that built them. #}

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
from {{ publications() }}
where
    event_log = '{{ var("event_log") }}'
    and state = 'published'
    and partition_id = ''
order by
    at,
    entity_type,
    metric_type
