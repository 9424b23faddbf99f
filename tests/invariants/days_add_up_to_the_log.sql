{{ config(tags=['marts']) }}

{#
    The daily sums of an entity equal those of the event log (UTC). An event that arrived after the roll-up and was created before
    the seam is found here until the next roll-up.
#}

{{ differences_from_the_log(ref('entity_metric_daily'), 'days', by_day=true) }}
