{{ config(tags=['mart']) }}

{#
    What a metric of an entity adds up to on a day is what the event log says of that day (UTC). An event that arrived after
    the roll-up and was created before its boundary is found here, until the next roll-up.
#}

{{ differences_from_the_log(ref('entity_metric_daily'), 'days', by_day=true) }}
