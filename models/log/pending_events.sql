{{ config(materialized='pending_events') }}

{#
    The events that are due. Of each view, those in the windows that are open: from where a metric is published up to the
    cutoff of its entity type. A table like the event log, built anew by each run.
#}

{{ all_events() }}
