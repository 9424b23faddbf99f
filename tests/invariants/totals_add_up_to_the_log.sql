{{ config(tags=['mart']) }}

{#
    Totals are what the event log adds up to, metric by metric and entity by entity. An event that arrived after the roll-up
    and was created before its boundary is found here: it is in the log, and in the totals from the next roll-up on.
#}

{{ differences_from_the_log(ref('entity_metric_totals'), 'totals') }}
