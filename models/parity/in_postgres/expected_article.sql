{#
    What the metrics of articles must add up to, counted by PostgreSQL from its own rows. Written apart from the
    events models: the second bookkeeper. Each table is read once.
#}

{% set added_at = 'coalesce("createdAt", "updatedAt", timestamp \'2022-11-01 00:00:00\')' %}

with collected as (
    select
        "articleId" as entity_id,
        count(*) {{ before_cutoff(added_at, 'Article') }} as expected,
        count(*) as expected_now
    from {{ source_in_postgres('CollectionItem') }}
    group by "articleId"
),

tipped as (
    select
        "entityId" as entity_id,
        count(*) {{ before_cutoff('"createdAt"', 'Article') }} as tips_before,
        count(*) as tips,
        sum(amount) {{ before_cutoff('"createdAt"', 'Article') }} as amount_before,
        sum(amount) as amount
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Article'
    group by "entityId"
),

counts (metric_type, entity_id, expected, expected_now) as (
    -- an article in a collection is both
    select 'Favorite', entity_id, expected, expected_now
    from collected

    union all

    select 'Collection', entity_id, expected, expected_now
    from collected

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."articleId", count(*) {{ before_cutoff('c."createdAt"', 'Article') }}, count(*)
    from {{ source_in_postgres('CommentV2') }} as c
    inner join {{ source_in_postgres('Thread') }} as t on c."threadId" = t.id
    group by t."articleId"

    union all

    select 'Reaction' || reaction, "articleId", count(*) {{ before_cutoff('"createdAt"', 'Article') }}, count(*)
    from {{ source_in_postgres('ArticleReaction') }}
    group by "articleId", reaction

    union all

    select 'TipCount', entity_id, tips_before, tips
    from tipped

    union all

    select 'TipAmount', entity_id, amount_before, amount
    from tipped

    union all

    select 'Hide', "articleId", count(*) {{ before_cutoff('"createdAt"', 'Article') }}, count(*)
    from {{ source_in_postgres('ArticleEngagement') }}
    where type = 'Hide'
    group by "articleId"
)

{{ expected_counts('counts', entity_type='Article') }}
