{# The metrics of the entity type Collection, each as a query on its own. #}

{{ metric_queries('Collection', reads=[
    ref('stg_article'),
    ref('stg_collection'),
    ref('stg_collection_contributor'),
    ref('stg_collection_item'),
    ref('stg_image'),
    ref('stg_model'),
    ref('stg_model_version'),
    ref('stg_post')
]) }}
