with counts (metric_type, entity_id, expected, expected_now) as (
    select case type when 'Hide' then 'Hidden' else 'Follower' end, "tagId", count(*) filter (where "createdAt" < timestamp '2024-08-07 15:44:39.044'), count(*)
    from "public"."TagEngagement"
    where type in ('Hide', 'Follow')
    group by "tagId", type
)

select
    'Tag' as entity_type,
    c.entity_id::bigint as entity_id,
    c.metric_type::text as metric_type,
    coalesce(c.expected, 0)::bigint as expected,
    c.expected_now::bigint as expected_now
from counts as c
inner join "public"."Tag" as owners on c.entity_id = owners.id
