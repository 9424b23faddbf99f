{{ config(materialized='publication', kind='corrections') }}

{#
    The corrections in the log. Building this model publishes what pending_corrections holds, once the guard and the audit
    have let it pass.
#}

-- depends_on: {{ ref('pending_corrections') }}
{{ depends_on_expected_counts() }}

select logged.*
from {{ ref('logged_events') }} as logged
where logged.userId = 0 and toDateTime64(logged.createdAt, 3, 'UTC') in ({{ correction_moments() }})
