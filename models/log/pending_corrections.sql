{{ config(materialized='pending_corrections') }}

{#
    What the log lacks to the truth of the present, which is what these views make of the source as it is now: one event for
    each entity and metric whose events do not add up to it. A table like the event log, built anew by each run.
#}

-- depends_on: {{ ref('published_events') }}
select {{ event_columns() }} from {{ ref('article_engagement_events') }}
union all
select {{ event_columns() }} from {{ ref('article_reaction_events') }}
union all
select {{ event_columns() }} from {{ ref('bounty_benefactor_events') }}
union all
select {{ event_columns() }} from {{ ref('bounty_engagement_events') }}
union all
select {{ event_columns() }} from {{ ref('bounty_entry_events') }}
union all
select {{ event_columns() }} from {{ ref('bounty_entry_reaction_events') }}
union all
select {{ event_columns() }} from {{ ref('collection_contributor_events') }}
union all
select {{ event_columns() }} from {{ ref('collection_item_events') }}
union all
select {{ event_columns() }} from {{ ref('comment_events') }}
union all
select {{ event_columns() }} from {{ ref('comment_v2_events') }}
union all
select {{ event_columns() }} from {{ ref('compensation_events') }}
union all
select {{ event_columns() }} from {{ ref('download_events') }}
union all
select {{ event_columns() }} from {{ ref('generation_events') }}
union all
select {{ event_columns() }} from {{ ref('image_reaction_events') }}
union all
select {{ event_columns() }} from {{ ref('image_resource_events') }}
union all
select {{ event_columns() }} from {{ ref('resource_review_events') }}
union all
select {{ event_columns() }} from {{ ref('tag_engagement_events') }}
union all
select {{ event_columns() }} from {{ ref('tip_events') }}
union all
select {{ event_columns() }} from {{ ref('user_engagement_events') }}
