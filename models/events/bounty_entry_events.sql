{# Entries handed in to bounties. #}

with entry as (
    select
        bountyId,
        userId,
        createdAt
    from {{ ref('stg_bounty_entry') }}
)

{{ metric_events('entry', [
    metric('Bounty', 'Entry', entity_id='bountyId'),
]) }}
