{#
    What the metrics of images must add up to, counted by PostgreSQL from its own rows. Written from the
    catalog, apart from the events models: the second bookkeeper.
    A branch of the union is a metric or a part of one.
#}

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Collection', "imageId", 1, coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00')
    from {{ source_in_postgres('CollectionItem') }}

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."imageId", 1, c."createdAt"
    from {{ source_in_postgres('CommentV2') }} as c
    inner join {{ source_in_postgres('Thread') }} as t on c."threadId" = t.id

    union all

    -- no ReactionDislike for images
    select 'ReactionLike', "imageId", 1, "createdAt"
    from {{ source_in_postgres('ImageReaction') }}
    where reaction = 'Like'

    union all

    select 'ReactionLaugh', "imageId", 1, "createdAt"
    from {{ source_in_postgres('ImageReaction') }}
    where reaction = 'Laugh'

    union all

    select 'ReactionCry', "imageId", 1, "createdAt"
    from {{ source_in_postgres('ImageReaction') }}
    where reaction = 'Cry'

    union all

    select 'ReactionHeart', "imageId", 1, "createdAt"
    from {{ source_in_postgres('ImageReaction') }}
    where reaction = 'Heart'

    union all

    select 'Buzz', "entityId", amount, "createdAt"
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Image'
)

{{ expected_counts('events', entity_type='Image') }}
