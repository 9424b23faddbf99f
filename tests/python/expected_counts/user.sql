-- Expected events of User before the cutoff: their number and the sum of their values, per metric.
-- Written from the catalog, apart from the models. A branch of the union is a metric or a part of one.
-- The last select holds what is true of every event: the user exists, before the cutoff, value not 0.

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Following', "userId", 1, "createdAt"
    from "UserEngagement"
    where type = 'Follow'

    union all

    select 'Follower', "targetUserId", 1, "createdAt"
    from "UserEngagement"
    where type = 'Follow'

    union all

    select 'Hidden', "targetUserId", 1, "createdAt"
    from "UserEngagement"
    where type = 'Hide'

    union all

    -- the image's owner receives all five kinds of reaction
    select 'UserImageReaction', i."userId", 1, r."createdAt"
    from "ImageReaction" as r
    inner join "Image" as i on r."imageId" = i.id

    union all

    select 'Review', r."userId", 1, r."createdAt"
    from "ResourceReview" as r
    inner join "ModelVersion" as v on r."modelVersionId" = v.id
    where v.status = 'Published'
)

select
    'User' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type,
    count(*) as events,
    sum(e.metric_value)::bigint as expected
from events as e
inner join "User" as owners on e.entity_id = owners.id
where
    e.created_at < %(cutoff)s
    and e.metric_value <> 0
group by e.entity_id, e.metric_type
order by e.entity_id, e.metric_type
