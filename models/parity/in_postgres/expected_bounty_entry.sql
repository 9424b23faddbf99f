{#
    What the metrics of bounty entries must add up to, counted by PostgreSQL from its own rows. Written apart from the
    events models: the second bookkeeper. Each table is read once.
#}

with tipped as (
    select
        "entityId" as entity_id,
        count(*) {{ before_cutoff('"createdAt"', 'BountyEntry') }} as tips_before,
        count(*) as tips,
        sum(amount) {{ before_cutoff('"createdAt"', 'BountyEntry') }} as amount_before,
        sum(amount) as amount
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" in ('BountyEntry', 'bountyEntry') -- both spellings, each row one event
    group by "entityId"
),

counts (metric_type, entity_id, expected, expected_now) as (
    select 'Reaction' || reaction, "bountyEntryId", count(*) {{ before_cutoff('"createdAt"', 'BountyEntry') }}, count(*)
    from {{ source_in_postgres('BountyEntryReaction') }}
    group by "bountyEntryId", reaction

    union all

    select 'TipCount', entity_id, tips_before, tips
    from tipped

    union all

    select 'TipAmount', entity_id, amount_before, amount
    from tipped

    union all

    -- the entry that the benefactor awarded, not a user
    select
        'UnitAmount',
        "awardedToId",
        sum("unitAmount") {{ before_cutoff('coalesce("awardedAt", "updatedAt")', 'BountyEntry') }},
        sum("unitAmount")
    from {{ source_in_postgres('BountyBenefactor') }}
    group by "awardedToId"
)

{{ expected_counts('counts', entity_type='BountyEntry') }}
