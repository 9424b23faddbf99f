{# The metrics of the entity type ModelVersion, each as a query on its own. #}

{{ metric_queries('ModelVersion', reads=[
    ref('stg_article'),
    ref('stg_bounty_entry'),
    ref('stg_buzz_tip'),
    ref('stg_collection'),
    ref('stg_collection_item'),
    ref('stg_donation'),
    ref('stg_donation_goal'),
    ref('stg_image'),
    ref('stg_image_resource_new'),
    ref('stg_model'),
    ref('stg_model_version'),
    ref('stg_post'),
    ref('stg_resource_review'),
    ref('stg_user'),
    source('application', 'buzz_resource_compensation'),
    source('application', 'modelVersionEvents'),
    source('orchestration', 'jobs')
]) }}
