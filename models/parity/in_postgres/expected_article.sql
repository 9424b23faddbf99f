{#
    What the metrics of articles must add up to, counted by PostgreSQL from its own rows. Written from the
    catalog, apart from the events models: the second bookkeeper.
    A branch of the union is a metric or a part of one.
#}

with events (metric_type, entity_id, metric_value, created_at) as (
    -- an article in a collection is both
    select 'Favorite', "articleId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from {{ source_in_postgres('CollectionItem') }}

    union all

    select 'Collection', "articleId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from {{ source_in_postgres('CollectionItem') }}

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."articleId", 1, c."createdAt"
    from {{ source_in_postgres('CommentV2') }} as c
    inner join {{ source_in_postgres('Thread') }} as t on c."threadId" = t.id

    union all

    select 'ReactionLike', "articleId", 1, "createdAt"
    from {{ source_in_postgres('ArticleReaction') }}
    where reaction = 'Like'

    union all

    select 'ReactionDislike', "articleId", 1, "createdAt"
    from {{ source_in_postgres('ArticleReaction') }}
    where reaction = 'Dislike'

    union all

    select 'ReactionLaugh', "articleId", 1, "createdAt"
    from {{ source_in_postgres('ArticleReaction') }}
    where reaction = 'Laugh'

    union all

    select 'ReactionCry', "articleId", 1, "createdAt"
    from {{ source_in_postgres('ArticleReaction') }}
    where reaction = 'Cry'

    union all

    select 'ReactionHeart', "articleId", 1, "createdAt"
    from {{ source_in_postgres('ArticleReaction') }}
    where reaction = 'Heart'

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Article'

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Article'

    union all

    select 'Hide', "articleId", 1, "createdAt"
    from {{ source_in_postgres('ArticleEngagement') }}
    where type = 'Hide'
)

{{ expected_counts('events', entity_type='Article') }}
