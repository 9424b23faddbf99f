{#
    The event log still holds what the ledger says was published: count, sum and hash of each metric and partition.
    Rows: those of content_differences().
#}

-- noqa: disable=all
-- depends_on: {{ ref('published_events') }}
{% set windows = published_windows() if execute and flags.WHICH in ['test', 'build'] else [] %}

{% if windows %}
{{ content_differences(published_content(), content_of(event_log(), where_within_windows(windows, log_decimals()))) }}
{% else %}
select 'nothing is published' as nothing where false
{% endif %}
