{{ config(meta={'audits': 'published_events'}) }}

{#
    The windows that the ledger calls published, and those that are about to be, do not overlap, and none of their partitions was entered twice by a run.
    A window that begins with time itself was published anew, replacing what was there (on_conflict: replace).
#}

-- depends_on: {{ ref('audited_events') }}

with published as (
    select
        entity_type,
        metric_type,
        window_start,
        window_end,
        partition_id,
        invocation_id,
        count() as entries
    from {{ publications() }}
    where
        event_log = '{{ var("event_log") }}'
        and kind = 'events'
        and state = 'published'
    group by all

    union all

    select
        entity_type,
        metric_type,
        due_from as window_start,
        due_until as window_end,
        '' as partition_id,
        'pending' as invocation_id,
        1 as entries
    from ({{ due_windows() }})
)

select
    entity_type,
    metric_type,
    window_start,
    window_end,
    partition_id,
    'entered ' || toString(entries) || ' times by run ' || invocation_id as problem
from published
where entries > 1

union all

select
    later.entity_type as entity_type,
    later.metric_type as metric_type,
    later.window_start as window_start,
    later.window_end as window_end,
    '' as partition_id,
    'overlaps the window up to ' || toString(earlier.window_end) || ' of run ' || earlier.invocation_id as problem
from published as later
inner join published as earlier
    on
        later.entity_type = earlier.entity_type
        and later.metric_type = earlier.metric_type
where
    later.partition_id = ''
    and earlier.partition_id = ''
    and later.window_start != {{ utc_literal(beginning_of_time()) }}
    and later.invocation_id != earlier.invocation_id
    and later.window_start < earlier.window_end
    and earlier.window_start < later.window_end
