{#
    What the metrics of model versions must add up to, counted by PostgreSQL from its own rows. Written apart from the
    events models: the second bookkeeper. Each table is read once.
    Without Download, Generation and Earned, whose rows are in ClickHouse: expected_application_metrics.
#}

{% set added_at = 'coalesce("createdAt", "updatedAt", timestamp \'2022-11-01 00:00:00\')' %}

with items as (
    select
        i."addedById",
        -- the item's own column, or, where the table lacks it, the null beside the item
        (select "modelVersionId" from (select i.*) as item) as version_id, -- noqa: RF02
        {{ added_at }} as created_at
    from {{ source_in_postgres('CollectionItem') }} as i
    cross join (select null::int as "modelVersionId") as absent
    where i."addedById" is not null
),

-- however many collections of a user hold a version, it counts once: since the earliest
collected as (
    select
        version_id as entity_id,
        min(created_at) as created_at
    from items
    group by version_id, "addedById"
),

reviewed as (
    {{ review_counts('"modelVersionId"', 'ModelVersion') | indent(4) }}
),

goals as (
    {{ version_goals() | indent(4) }}
),

-- a donation to a goal of a version is a tip to the version and to its model
gifts (entity_id, amount, created_at) as (
    select "entityId", amount, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'ModelVersion'

    union all

    select g.version_id, d.amount, d."createdAt"
    from {{ source_in_postgres('Donation') }} as d
    inner join goals as g on d."donationGoalId" = g.id
),

tipped as (
    select
        entity_id,
        count(*) {{ before_cutoff('created_at', 'ModelVersion') }} as tips_before,
        count(*) as tips,
        sum(amount) {{ before_cutoff('created_at', 'ModelVersion') }} as amount_before,
        sum(amount) as amount
    from gifts
    group by entity_id
),

counts (metric_type, entity_id, expected, expected_now) as (
    select metric_type, entity_id, expected, expected_now
    from reviewed

    union all

    select 'Collection', entity_id, count(*) {{ before_cutoff('created_at', 'ModelVersion') }}, count(*)
    from collected
    group by entity_id

    union all

    select 'Image', r."modelVersionId", count(*) {{ before_cutoff('i."createdAt"', 'ModelVersion') }}, count(*)
    from {{ source_in_postgres('ImageResourceNew') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
    {{- since_start('i."createdAt"', '\n    where') }}
    group by r."modelVersionId"

    union all

    select 'TipCount', entity_id, tips_before, tips
    from tipped

    union all

    select 'TipAmount', entity_id, amount_before, amount
    from tipped
)

{{ expected_counts('counts', entity_type='ModelVersion') }}
