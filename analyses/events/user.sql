{# The metrics of users, each as a query on its own. #}

{{ metric_queries('User', reads=[
    ref('stg_image'),
    ref('stg_image_reaction'),
    ref('stg_model_version'),
    ref('stg_resource_review'),
    ref('stg_user'),
    ref('stg_user_engagement')
]) }}
