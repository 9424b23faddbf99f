{#
    What the metrics of bounties must add up to, counted by PostgreSQL from its own rows. Written from the
    catalog, apart from the events models: the second bookkeeper.
    A branch of the union is a metric or a part of one.
#}

with events (metric_type, entity_id, metric_value, created_at) as (
    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."bountyId", 1, c."createdAt"
    from {{ source_in_postgres('CommentV2') }} as c
    inner join {{ source_in_postgres('Thread') }} as t on c."threadId" = t.id

    union all

    select 'Favorite', "bountyId", 1, "createdAt"
    from {{ source_in_postgres('BountyEngagement') }}
    where type = 'Favorite'

    union all

    select 'Track', "bountyId", 1, "createdAt"
    from {{ source_in_postgres('BountyEngagement') }}
    where type = 'Track'

    union all

    select 'Entry', "bountyId", 1, "createdAt"
    from {{ source_in_postgres('BountyEntry') }}

    union all

    select 'Benefactor', "bountyId", 1, "createdAt"
    from {{ source_in_postgres('BountyBenefactor') }}

    union all

    select 'UnitAmount', "bountyId", "unitAmount", "createdAt"
    from {{ source_in_postgres('BountyBenefactor') }}
)

{{ expected_counts('events', entity_type='Bounty') }}
