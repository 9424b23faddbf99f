{#
    What is between pending and published: windows that were built and not published (the audit was red, or there was a
    conflict), and what a killed run left for the next to finish (intended).
#}

select
    kind,
    entity_type,
    metric_type,
    argMax(window_start, (at, state)) as window_from,
    argMax(window_end, (at, state)) as window_until,
    argMax(state, (at, state)) as reached,
    argMax(publication, (at, state)) as run,
    max(at) as since
from {{ publications() }}
where
    event_log = '{{ var("event_log") }}'
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
