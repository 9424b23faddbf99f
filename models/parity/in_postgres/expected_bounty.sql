{#
    What the metrics of bounties must add up to, counted by PostgreSQL from its own rows. Written apart from the
    events models: the second bookkeeper. Each table is read once.
#}

with paid as (
    select
        "bountyId" as entity_id,
        count(*) {{ before_cutoff('"createdAt"', 'Bounty') }} as benefactors_before,
        count(*) as benefactors,
        sum("unitAmount") {{ before_cutoff('"createdAt"', 'Bounty') }} as amount_before,
        sum("unitAmount") as amount
    from {{ source_in_postgres('BountyBenefactor') }}
    group by "bountyId"
),

counts (metric_type, entity_id, expected, expected_now) as (
    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."bountyId", count(*) {{ before_cutoff('c."createdAt"', 'Bounty') }}, count(*)
    from {{ source_in_postgres('CommentV2') }} as c
    inner join {{ source_in_postgres('Thread') }} as t on c."threadId" = t.id
    group by t."bountyId"

    union all

    select type::text, "bountyId", count(*) {{ before_cutoff('"createdAt"', 'Bounty') }}, count(*)
    from {{ source_in_postgres('BountyEngagement') }}
    where type in ('Favorite', 'Track')
    group by "bountyId", type

    union all

    select 'Entry', "bountyId", count(*) {{ before_cutoff('"createdAt"', 'Bounty') }}, count(*)
    from {{ source_in_postgres('BountyEntry') }}
    group by "bountyId"

    union all

    select 'Benefactor', entity_id, benefactors_before, benefactors
    from paid

    union all

    select 'UnitAmount', entity_id, amount_before, amount
    from paid
)

{{ expected_counts('counts', entity_type='Bounty') }}
