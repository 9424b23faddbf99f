{# The metrics of the entity type User, each as a query on its own. #}

{{ metric_queries('User', reads=[
    ref('stg_image'),
    ref('stg_image_reaction'),
    ref('stg_model'),
    ref('stg_model_version'),
    ref('stg_post'),
    ref('stg_resource_review'),
    ref('stg_user'),
    ref('stg_user_engagement')
]) }}
