{{ config(materialized='publication', kind='corrections') }}

{#
    The corrections in the log. Building this model publishes what pending_corrections holds, once the guard and the audit
    have let it pass.
#}

-- depends_on: {{ ref('pending_corrections') }}
{{ depends_on_expected_counts() }}

select
    entityType,
    entityId,
    userId,
    metricType,
    metricValue,
    createdAt
from {{ ref('logged_events') }}
where {{ is_correction(correction_moments()) }}
