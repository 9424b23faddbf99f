{# No window of the backfill reaches past its entity type's cutoff: what lies there is live tracking's. #}

select
    entity_type,
    metric_type,
    window_start,
    window_end,
    invocation_id
from {{ publications() }}
where
    {{ whole_windows('events', ['published']) }}
    and window_end > {{ cutoff_by_entity_type('entity_type') }}
