{{ config(tags=['marts']) }}

{#
    Totals equal the sum of the event log, entity by entity. An event that arrived after the roll-up and was created before the
    seam is found here until the next roll-up.
#}

{{ differences_from_the_log(ref('entity_metric_totals'), 'totals') }}
