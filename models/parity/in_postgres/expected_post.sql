{#
    What the metrics of posts must add up to, counted by PostgreSQL from its own rows. Written from the
    catalog, apart from the events models: the second bookkeeper.
    A branch of the union is a metric or a part of one.
#}

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Collection', "postId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from {{ source_in_postgres('CollectionItem') }}

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."postId", 1, c."createdAt"
    from {{ source_in_postgres('CommentV2') }} as c
    inner join {{ source_in_postgres('Thread') }} as t on c."threadId" = t.id

    union all

    select 'ReactionLike', i."postId", 1, r."createdAt"
    from {{ source_in_postgres('ImageReaction') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
    where r.reaction = 'Like' and i."postId" is not null

    union all

    select 'ReactionDislike', i."postId", 1, r."createdAt"
    from {{ source_in_postgres('ImageReaction') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
    where r.reaction = 'Dislike' and i."postId" is not null

    union all

    select 'ReactionLaugh', i."postId", 1, r."createdAt"
    from {{ source_in_postgres('ImageReaction') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
    where r.reaction = 'Laugh' and i."postId" is not null

    union all

    select 'ReactionCry', i."postId", 1, r."createdAt"
    from {{ source_in_postgres('ImageReaction') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
    where r.reaction = 'Cry' and i."postId" is not null

    union all

    select 'ReactionHeart', i."postId", 1, r."createdAt"
    from {{ source_in_postgres('ImageReaction') }} as r
    inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
    where r.reaction = 'Heart' and i."postId" is not null

    union all

    select 'TipCount', "entityId", 1, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Post'

    union all

    select 'TipAmount', "entityId", amount, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Post'
)

{{ expected_counts('events', entity_type='Post') }}
