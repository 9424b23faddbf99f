{#
    The windows of a metric do not overlap, whether published or about to be, and no run has entered a partition twice. A window
    that begins in 1970 supersedes the earlier ones.
#}

-- depends_on: {{ ref('audited_events') }}

with published as (
    select
        ledger.entity_type as entity_type,
        ledger.metric_type as metric_type,
        ledger.window_start as window_start,
        ledger.window_end as window_end,
        ledger.partition_id as partition_id,
        ledger.invocation_id as invocation_id,
        count() as entries
    from {{ publications() }} as ledger
    inner join ({{ published_metrics() }}) as newest using (entity_type, metric_type)
    where
        ledger.event_log = '{{ var("event_log") }}'
        and ledger.kind = 'events'
        and ledger.state = 'published'
        and ledger.at >= newest.began_at
    group by all
),

open_or_published as (
    select
        entity_type,
        metric_type,
        window_start,
        window_end,
        invocation_id
    from published
    where partition_id = ''

    union all

    select
        entity_type,
        metric_type,
        due_from as window_start,
        due_until as window_end,
        'that is going on' as invocation_id
    from ({{ due_windows() }})
    where due_from > {{ utc_literal(beginning_of_time()) }}
)

select
    entity_type,
    metric_type,
    window_start,
    window_end,
    'partition ' || partition_id || ' was entered ' || toString(entries) || ' times by run ' || invocation_id as problem
from published
where entries > 1

union all

select
    later.entity_type as entity_type,
    later.metric_type as metric_type,
    later.window_start as window_start,
    later.window_end as window_end,
    'overlaps the window up to ' || toString(earlier.window_end) || ' of run ' || earlier.invocation_id as problem
from open_or_published as later
inner join open_or_published as earlier
    on
        later.entity_type = earlier.entity_type
        and later.metric_type = earlier.metric_type
where
    later.invocation_id != earlier.invocation_id
    and later.window_start >= earlier.window_start
    and later.window_start < earlier.window_end
