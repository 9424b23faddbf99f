with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Following', "userId", 1, "createdAt"
    from "public"."UserEngagement"
    where type = 'Follow'

    union all

    select 'Follower', "targetUserId", 1, "createdAt"
    from "public"."UserEngagement"
    where type = 'Follow'

    union all

    select 'Hidden', "targetUserId", 1, "createdAt"
    from "public"."UserEngagement"
    where type = 'Hide'

    union all

    -- the image's owner receives all five kinds of reaction
    select 'UserImageReaction', i."userId", 1, r."createdAt"
    from "public"."ImageReaction" as r
    inner join "public"."Image" as i on r."imageId" = i.id

    union all

    select 'Review', r."userId", 1, r."createdAt"
    from "public"."ResourceReview" as r
    inner join "public"."ModelVersion" as v on r."modelVersionId" = v.id
    where v.status = 'Published'
)

select
    'User' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type::text as metric_type,
    coalesce(sum(e.metric_value) filter (where e.created_at < timestamp '2024-08-07 15:44:39.044'), 0)::bigint as expected,
    sum(e.metric_value)::bigint as expected_now
from events as e
inner join "public"."User" as owners on e.entity_id = owners.id
where e.metric_value <> 0
group by e.entity_id, e.metric_type
