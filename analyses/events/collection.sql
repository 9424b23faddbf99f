{# The metrics of collections, each as a query on its own. #}

{{ metric_queries('Collection', reads=[
    ref('stg_collection'),
    ref('stg_collection_contributor'),
    ref('stg_collection_item')
]) }}
