{{ config(materialized='pending_corrections') }}

{#
    What the log lacks to the truth of the present, which is what these views make of the source as it is now: one event for
    each entity and metric whose events do not add up to it. A table like the event log, built anew by each run.
#}

-- depends_on: {{ ref('published_events') }}
{{ all_events() }}
