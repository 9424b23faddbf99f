{# The metrics of the entity type Bounty, each as a query on its own. #}

{{ metric_queries('Bounty', reads=[
    ref('stg_article'),
    ref('stg_bounty'),
    ref('stg_bounty_benefactor'),
    ref('stg_bounty_engagement'),
    ref('stg_bounty_entry'),
    ref('stg_comment_v2'),
    ref('stg_image'),
    ref('stg_post'),
    ref('stg_thread')
]) }}
