{# Bounties that users favour or track. #}

with engagement as (
    select
        bountyId,
        userId,
        type,
        createdAt
    from {{ ref('stg_bounty_engagement') }}
)

{{ metric_events('engagement', [
    metric('Bounty', 'Favorite', entity_id='bountyId', when="type = 'Favorite'"),
    metric('Bounty', 'Track', entity_id='bountyId', when="type = 'Track'"),
]) }}
