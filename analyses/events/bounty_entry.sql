{# The metrics of the entity type BountyEntry, each as a query on its own. #}

{{ metric_queries('BountyEntry', reads=[
    ref('stg_article'),
    ref('stg_bounty'),
    ref('stg_bounty_benefactor'),
    ref('stg_bounty_entry'),
    ref('stg_bounty_entry_reaction'),
    ref('stg_buzz_tip'),
    ref('stg_donation'),
    ref('stg_donation_goal'),
    ref('stg_image'),
    ref('stg_model'),
    ref('stg_model_version'),
    ref('stg_post')
]) }}
