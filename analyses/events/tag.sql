{# The metrics of the entity type Tag, each as a query on its own. #}

{{ metric_queries('Tag', reads=[
    ref('stg_tag'),
    ref('stg_tag_engagement')
]) }}
