{# Who pays for a bounty, how much, and the entry that the amount is awarded to. #}

with benefactor as (
    select
        bountyId,
        userId,
        unitAmount,
        awardedToId,
        createdAt,
        coalesce(awardedAt, updatedAt) as awardedAt
    from {{ ref('stg_bounty_benefactor') }}
)

{{ metric_events('benefactor', [
    metric('Bounty', 'Benefactor', entity_id='bountyId'),
    metric('Bounty', 'UnitAmount', entity_id='bountyId', value='unitAmount'),
    metric('BountyEntry', 'UnitAmount', entity_id='awardedToId', value='unitAmount', created_at='awardedAt'),
]) }}
