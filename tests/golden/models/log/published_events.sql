-- depends_on: `metrics`.`audited_events`, `metrics`.`metric_catalog`
-- depends_on: `metrics`.`expected_application_metrics`
-- depends_on: `metrics`.`expected_article`
-- depends_on: `metrics`.`expected_bounty`
-- depends_on: `metrics`.`expected_bounty_entry`
-- depends_on: `metrics`.`expected_collection`
-- depends_on: `metrics`.`expected_image`
-- depends_on: `metrics`.`expected_model`
-- depends_on: `metrics`.`expected_model_version`
-- depends_on: `metrics`.`expected_post`
-- depends_on: `metrics`.`expected_tag`
-- depends_on: `metrics`.`expected_user`

with published as (
    select
        entity_type,
        metric_type,
        maxIf(at, window_start = toDateTime64('1970-01-01 00:00:00.000', 3, 'UTC')) as began_at,
        arrayFilter(published -> published.1 >= began_at, groupArray((at, window_end, rule))) as windows,
        arrayMax(arrayMap(published -> published.2, windows)) as published_until,
        arrayDistinct(arrayMap(published -> published.3, windows)) as rules
    from `metrics`.`metric_publications`
    where event_log = 'default.entityMetricEvents' and kind = 'events' and partition_id = '' and state in ('published')
    group by
        entity_type,
        metric_type
    having published_until > toDateTime64('1970-01-01 00:00:00.000', 3, 'UTC')
)

select
    logged.entityType as entityType,
    logged.entityId as entityId,
    logged.userId as userId,
    logged.metricType as metricType,
    logged.metricValue as metricValue,
    logged.createdAt as createdAt
from `metrics`.`logged_events` as logged
inner join published on logged.entityType = published.entity_type and logged.metricType = published.metric_type
where logged.createdAt < published.published_until
