with counts (metric_type, entity_id, expected, expected_now) as (
    select 'Collection', "imageId", count(*) filter (where coalesce("createdAt", "updatedAt", timestamp '2022-11-01 00:00:00') < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."CollectionItem"
    group by "imageId"

    union all

    -- the thread of the entity itself; child threads name no entity
    select 'Comment', t."imageId", count(*) filter (where c."createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."CommentV2" as c
    inner join "public"."Thread" as t on c."threadId" = t.id
    group by t."imageId"

    union all

    select 'Reaction' || reaction, "imageId", count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."ImageReaction"
    where reaction <> 'Dislike' -- which images do not count
    group by "imageId", reaction

    union all

    select 'Buzz', "entityId", sum(amount) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044'), sum(amount)
    from "public"."BuzzTip"
    where "entityType" = 'Image'
    group by "entityId"
)

select
    'Image' as entity_type,
    c.entity_id::bigint as entity_id,
    c.metric_type::text as metric_type,
    coalesce(c.expected, 0)::bigint as expected,
    c.expected_now::bigint as expected_now
from counts as c
inner join "public"."Image" as owners on c.entity_id = owners.id
