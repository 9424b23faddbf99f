{#
    Every pending event lies in the window of its metric that was open when the table was built: none at or after the cutoff, none
    in history that was published before, none of a metric without an open window.
#}

-- depends_on: {{ ref('audited_events') }}

with opened as (
    select
        entity_type,
        metric_type,
        argMax(window_start, at) as start_at,
        argMax(window_end, at) as end_at
    from {{ publications() }}
    where {{ whole_windows('events', ['pending']) }}
    group by
        entity_type,
        metric_type
)

select
    toString(pending.entityType) as entity_type,
    toString(pending.metricType) as metric_type,
    count() as events,
    min(pending.createdAt) as first_event,
    max(pending.createdAt) as last_event,
    any(opened.start_at) as window_start,
    any(opened.end_at) as window_end
from {{ ref('pending_events') }} as pending
left join opened on pending.entityType = opened.entity_type and pending.metricType = opened.metric_type
where pending.createdAt < {{ as_logged('opened.start_at') }} or pending.createdAt >= {{ as_logged('opened.end_at') }}
group by
    entity_type,
    metric_type
