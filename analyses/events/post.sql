{# The metrics of the entity type Post, each as a query on its own. #}

{{ metric_queries('Post', reads=[
    ref('stg_article'),
    ref('stg_bounty'),
    ref('stg_bounty_entry'),
    ref('stg_buzz_tip'),
    ref('stg_collection'),
    ref('stg_collection_item'),
    ref('stg_comment_v2'),
    ref('stg_donation'),
    ref('stg_donation_goal'),
    ref('stg_image'),
    ref('stg_image_reaction'),
    ref('stg_model'),
    ref('stg_model_version'),
    ref('stg_post'),
    ref('stg_thread'),
    ref('stg_user')
]) }}
