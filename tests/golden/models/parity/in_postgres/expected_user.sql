with engaged as (
    select
        "userId",
        "targetUserId",
        type,
        "createdAt"
    from "public"."UserEngagement"
    where type in ('Follow', 'Hide')
),

-- by image first: there are far fewer of them to find the owners of
reactions as (
    select
        "imageId",
        count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044') as expected,
        count(*) as expected_now
    from "public"."ImageReaction"
    group by "imageId"
),

counts (metric_type, entity_id, expected, expected_now) as (
    select 'Following', "userId", count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from engaged
    where type = 'Follow'
    group by "userId"

    union all

    select case type when 'Hide' then 'Hidden' else 'Follower' end, "targetUserId", count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from engaged
    group by "targetUserId", type

    union all

    -- the image's owner receives all five kinds of reaction
    select 'UserImageReaction', i."userId", sum(r.expected), sum(r.expected_now)
    from reactions as r
    inner join "public"."Image" as i on r."imageId" = i.id
    group by i."userId"

    union all

    select 'Review', r."userId", count(*) filter (where r."createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."ResourceReview" as r
    inner join "public"."ModelVersion" as v on r."modelVersionId" = v.id
    where v.status = 'Published'
    group by r."userId"
)

select
    'User' as entity_type,
    c.entity_id::bigint as entity_id,
    c.metric_type::text as metric_type,
    coalesce(c.expected, 0)::bigint as expected,
    c.expected_now::bigint as expected_now
from counts as c
inner join "public"."User" as owners on c.entity_id = owners.id
