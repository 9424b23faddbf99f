{# No window of the backfill reaches past its entity type's cutoff: what lies there is live tracking's. #}

with cutoff as (
    select *
    from values(
        'entity_type String, cutoff DateTime64(3, \'UTC\')',
        {%- for entity_type in entity_types() %}
        ('{{ entity_type }}', '{{ cutoff_of(entity_type) }}'){{ ',' if not loop.last }}
        {%- endfor %}
    )
)

select
    entity_type,
    metric_type,
    window_end,
    cutoff,
    invocation_id
from {{ publications() }}
inner join cutoff using (entity_type)
where
    event_log = '{{ var("event_log") }}'
    and window_end > cutoff
