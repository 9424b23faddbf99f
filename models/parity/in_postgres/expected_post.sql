{#
    What the metrics of posts must add up to, counted by PostgreSQL from its own rows. Written apart from the
    events models: the second bookkeeper. Each table is read once.
#}

{% set added_at = 'coalesce("createdAt", "updatedAt", timestamp \'2022-11-01 00:00:00\')' %}

with tipped as (
    select
        "entityId" as entity_id,
        count(*) {{ before_cutoff('"createdAt"', 'Post') }} as tips_before,
        count(*) as tips,
        sum(amount) {{ before_cutoff('"createdAt"', 'Post') }} as amount_before,
        sum(amount) as amount
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Post'
    group by "entityId"
),

counts (metric_type, entity_id, expected, expected_now) as (
    select 'Collection', "postId", count(*) {{ before_cutoff(added_at, 'Post') }}, count(*)
    from {{ source_in_postgres('CollectionItem') }}
    {{- since_start(added_at, '\n    where') }}
    group by "postId"

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."postId", count(*) {{ before_cutoff('c."createdAt"', 'Post') }}, count(*)
    from {{ source_in_postgres('CommentV2') }} as c
    inner join {{ source_in_postgres('Thread') }} as t on c."threadId" = t.id
    group by t."postId"

    union all

    select 'Reaction' || r.reaction, i."postId", count(*) {{ before_cutoff('r."createdAt"', 'Post') }}, count(*)
    from {{ source_in_postgres('ImageReaction') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
    where i."postId" is not null{{ since_start('r."createdAt"') }}
    group by i."postId", r.reaction

    union all

    select 'TipCount', entity_id, tips_before, tips
    from tipped

    union all

    select 'TipAmount', entity_id, amount_before, amount
    from tipped
)

{{ expected_counts('counts', entity_type='Post') }}
