{{ config(materialized='pending_events') }}

{#
    The events that are due. Of each view, those in the windows that are open: from where a metric is published up to the
    cutoff of its entity type. A table like the event log, built anew by each run.
#}

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
