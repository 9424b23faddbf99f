-- Expected events of Tag before the cutoff: their number and the sum of their values, per metric.
-- Written from the catalog, apart from the models. A branch of the union is a metric or a part of one.
-- The last select holds what is true of every event: the tag exists, before the cutoff, value not 0.

with events (metric_type, entity_id, metric_value, created_at) as (
    select 'Hidden', "tagId", 1, "createdAt"
    from "TagEngagement"
    where type = 'Hide'

    union all

    select 'Follower', "tagId", 1, "createdAt"
    from "TagEngagement"
    where type = 'Follow'
)

select
    'Tag' as entity_type,
    e.entity_id::bigint as entity_id,
    e.metric_type,
    count(*) as events,
    sum(e.metric_value)::bigint as expected
from events as e
inner join "Tag" as owners on e.entity_id = owners.id
where
    e.created_at < %(cutoff)s
    and e.metric_value <> 0
group by e.entity_id, e.metric_type
order by e.entity_id, e.metric_type
