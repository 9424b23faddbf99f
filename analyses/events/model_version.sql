{# The metrics of model versions, each as a query on its own. #}

{{ metric_queries('ModelVersion', reads=[
    ref('stg_buzz_tip'),
    ref('stg_collection_item'),
    ref('stg_donation'),
    ref('stg_donation_goal'),
    ref('stg_image'),
    ref('stg_image_resource_new'),
    ref('stg_model_version'),
    ref('stg_resource_review'),
    source('application', 'buzz_resource_compensation'),
    source('application', 'modelVersionEvents'),
    source('orchestration', 'jobs')
]) }}
