{# No window of the backfill reaches past its entity type's cutoff: what lies there is live tracking's. #}

{% set cutoffs = [] %}
{% for entity_type in entity_types() %}
    {% do cutoffs.append("entity_type = '" ~ entity_type ~ "', " ~ utc_literal(cutoff_of(entity_type))) %}
{% endfor %}

select
    entity_type,
    metric_type,
    window_start,
    window_end,
    invocation_id
from {{ publications() }}
where
    event_log = '{{ var("event_log") }}'
    and window_end > multiIf({{ cutoffs | join(', ') }}, toDateTime64('1970-01-01', 3, 'UTC'))
