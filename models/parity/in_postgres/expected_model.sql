{#
    What the metrics of models must add up to, counted by PostgreSQL from its own rows. Written apart from the
    events models: the second bookkeeper. Each table is read once.
    Without Download, Generation and Earned, whose rows are in ClickHouse: expected_application_metrics.
#}

{% set added_at = 'coalesce("createdAt", "updatedAt", timestamp \'2022-11-01 00:00:00\')' %}

with -- however many collections of a user hold a model, it counts once: since the earliest
collected as (
    select
        entity_id,
        count(*) {{ before_cutoff('created_at', 'Model') }} as expected,
        count(*) as expected_now
    from (
        select
            "modelId" as entity_id,
            min({{ added_at }}) as created_at
        from {{ source_in_postgres('CollectionItem') }}
        where "addedById" is not null
        group by "modelId", "addedById"
    ) as collectors
    group by entity_id
),

-- so does a user who comments
commented as (
    select
        "modelId" as entity_id,
        min("createdAt") as created_at
    from {{ source_in_postgres('Comment') }}
    where not "tosViolation"
    group by "modelId", "userId"
),

reviewed as (
    {{ review_counts('"modelId"', 'Model') | indent(4) }}
),

goals as (
    {{ version_goals() | indent(4) }}
),

-- a donation to a goal of a version is a tip to the version and to its model
gifts (entity_id, amount, created_at) as (
    select "entityId", amount, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Model'

    union all

    select v."modelId", d.amount, d."createdAt"
    from {{ source_in_postgres('Donation') }} as d
    inner join goals as g on d."donationGoalId" = g.id
    inner join {{ source_in_postgres('ModelVersion') }} as v on g.version_id = v.id
),

tipped as (
    select
        entity_id,
        count(*) {{ before_cutoff('created_at', 'Model') }} as tips_before,
        count(*) as tips,
        sum(amount) {{ before_cutoff('created_at', 'Model') }} as amount_before,
        sum(amount) as amount
    from gifts
    group by entity_id
),

counts (metric_type, entity_id, expected, expected_now) as (
    select metric_type, entity_id, expected, expected_now
    from reviewed

    union all

    select 'Favorite', entity_id, expected, expected_now
    from collected

    union all

    select 'Collection', entity_id, expected, expected_now
    from collected

    union all

    select 'Comment', entity_id, count(*) {{ before_cutoff('created_at', 'Model') }}, count(*)
    from commented
    group by entity_id

    union all

    select 'Image', v."modelId", count(*) {{ before_cutoff('i."createdAt"', 'Model') }}, count(*)
    from {{ source_in_postgres('ImageResourceNew') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
    inner join {{ source_in_postgres('ModelVersion') }} as v on r."modelVersionId" = v.id
    {{- since_start('i."createdAt"', '\n    where') }}
    group by v."modelId"

    union all

    select 'TipCount', entity_id, tips_before, tips
    from tipped

    union all

    select 'TipAmount', entity_id, amount_before, amount
    from tipped
)

{{ expected_counts('counts', entity_type='Model') }}
