with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Hidden', "tagId", 1, "createdAt"
    from "public"."TagEngagement"
    where type = 'Hide'

    union all

    select 'Follower', "tagId", 1, "createdAt"
    from "public"."TagEngagement"
    where type = 'Follow'
)

select
    'Tag' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type::text as metric_type,
    coalesce(sum(e.metric_value) filter (where e.created_at < timestamp '2024-08-07 15:44:39.044'), 0)::bigint as expected,
    sum(e.metric_value)::bigint as expected_now
from events as e
inner join "public"."Tag" as owners on e.entity_id = owners.id
where e.metric_value <> 0
group by e.entity_id, e.metric_type
