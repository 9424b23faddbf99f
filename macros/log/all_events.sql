{# The events of all events models, for the models of the log. scripts/generate.py writes the list. #}
{% macro all_events() -%}
    {%- for name in [
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
select {{ event_columns() }} from {{ ref(name) }}
{{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
