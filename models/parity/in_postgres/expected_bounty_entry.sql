{#
    What the metrics of bounty entries must add up to, counted by PostgreSQL from its own rows. Written from the
    catalog, apart from the events models: the second bookkeeper.
    A branch of the union is a metric or a part of one.
#}

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'ReactionLike', "bountyEntryId", 1, "createdAt"
    from {{ source_in_postgres('BountyEntryReaction') }}
    where reaction = 'Like'

    union all

    select 'ReactionDislike', "bountyEntryId", 1, "createdAt"
    from {{ source_in_postgres('BountyEntryReaction') }}
    where reaction = 'Dislike'

    union all

    select 'ReactionLaugh', "bountyEntryId", 1, "createdAt"
    from {{ source_in_postgres('BountyEntryReaction') }}
    where reaction = 'Laugh'

    union all

    select 'ReactionCry', "bountyEntryId", 1, "createdAt"
    from {{ source_in_postgres('BountyEntryReaction') }}
    where reaction = 'Cry'

    union all

    select 'ReactionHeart', "bountyEntryId", 1, "createdAt"
    from {{ source_in_postgres('BountyEntryReaction') }}
    where reaction = 'Heart'

    union all

    -- both spellings, each row one event
    select 'TipCount', "entityId", 1, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" in ('BountyEntry', 'bountyEntry')

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" in ('BountyEntry', 'bountyEntry')

    union all

    -- the entry that the benefactor awarded, not a user
    select 'UnitAmount', "awardedToId", "unitAmount", coalesce("awardedAt", "updatedAt")
    from {{ source_in_postgres('BountyBenefactor') }}
    where "awardedToId" is not null
)

{{ expected_counts('events', entity_type='BountyEntry') }}
