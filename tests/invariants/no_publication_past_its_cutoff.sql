{# No published window reaches past its entity type's cutoff, where live tracking begins. #}

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
