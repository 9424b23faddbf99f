{#
    What the metrics of images must add up to, counted by PostgreSQL from its own rows. Written apart from the
    events models: the second bookkeeper. Each table is read once.
#}

{% set added_at = 'coalesce("createdAt", "updatedAt", timestamp \'2022-11-01 00:00:00\')' %}

with counts (metric_type, entity_id, expected, expected_now) as (
    select 'Collection', "imageId", count(*) {{ before_cutoff(added_at, 'Image') }}, count(*)
    from {{ source_in_postgres('CollectionItem') }}
    {{- since_start(added_at, '\n    where') }}
    group by "imageId"

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."imageId", count(*) {{ before_cutoff('c."createdAt"', 'Image') }}, count(*)
    from {{ source_in_postgres('CommentV2') }} as c
    inner join {{ source_in_postgres('Thread') }} as t on c."threadId" = t.id
    group by t."imageId"

    union all

    select 'Reaction' || reaction, "imageId", count(*) {{ before_cutoff('"createdAt"', 'Image') }}, count(*)
    from {{ source_in_postgres('ImageReaction') }}
    where reaction <> 'Dislike'{{ since_start('"createdAt"') }} -- which images do not count
    group by "imageId", reaction

    union all

    select 'Buzz', "entityId", sum(amount) {{ before_cutoff('"createdAt"', 'Image') }}, sum(amount)
    from {{ source_in_postgres('BuzzTip') }}
    where "entityType" = 'Image'
    group by "entityId"
)

{{ expected_counts('counts', entity_type='Image') }}
