{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    on_schema_change='fail',
    engine='MergeTree()',
    partition_by='toYYYYMM(day)',
    order_by='(entityType, entityId, metricType, day)',
    query_settings={'max_partitions_per_insert_block': 0},
    pre_hook='{{ begin_roll_up() }}',
    post_hook='{{ end_roll_up() }}'
) }}

{#
    The event log added up by day. A month is rebuilt whole, and only if its part of the log has changed: nothing is ever
    added to what is there, so no event can count twice.
#}

{#
    What it reads comes through the log, which dbt takes for a source. So it is told here whose events those are: marts are
    built after them, and lineage goes through. Only while parsing: unit tests stand in for the log, not for these.
#}
{% if not execute %}
    {% for events in [
        'article_engagement_events',
        'article_reaction_events',
        'bounty_benefactor_events',
        'bounty_engagement_events',
        'bounty_entry_events',
        'bounty_entry_reaction_events',
        'collection_contributor_events',
        'collection_item_events',
        'comment_events',
        'comment_v2_events',
        'compensation_events',
        'download_events',
        'generation_events',
        'image_reaction_events',
        'image_resource_events',
        'resource_review_events',
        'tag_engagement_events',
        'tip_events',
        'user_engagement_events',
    ] %}
        {% do ref(events) %}
    {% endfor %}
{% endif %}

with event as (
    select
        cast(entityType, 'LowCardinality(String)') as entityType,
        toInt32(entityId) as entityId,
        cast(metricType, 'LowCardinality(String)') as metricType,
        toDate(createdAt, 'UTC') as day,
        metricValue
    from {{ source('event_log', 'entityMetricEvents') }}
    where toYYYYMM(createdAt, 'UTC') in ({{ changed_months() }})
)

select
    entityType,
    entityId,
    metricType,
    day,
    sum(toInt64(metricValue)) as total
from event
group by
    entityType,
    entityId,
    metricType,
    day
