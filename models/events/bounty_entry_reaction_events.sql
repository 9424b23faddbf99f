{# Reactions to entries of bounties. #}

with reaction as (
    select
        bountyEntryId,
        userId,
        reaction,
        createdAt
    from {{ ref('stg_bounty_entry_reaction') }}
)

{{ metric_events('reaction', [
    metric('BountyEntry', 'ReactionLike', entity_id='bountyEntryId', when="reaction = 'Like'"),
    metric('BountyEntry', 'ReactionDislike', entity_id='bountyEntryId', when="reaction = 'Dislike'"),
    metric('BountyEntry', 'ReactionLaugh', entity_id='bountyEntryId', when="reaction = 'Laugh'"),
    metric('BountyEntry', 'ReactionCry', entity_id='bountyEntryId', when="reaction = 'Cry'"),
    metric('BountyEntry', 'ReactionHeart', entity_id='bountyEntryId', when="reaction = 'Heart'"),
]) }}
