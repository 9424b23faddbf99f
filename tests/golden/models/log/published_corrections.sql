-- depends_on: `metrics`.`pending_corrections`

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

select
    entityType,
    entityId,
    userId,
    metricType,
    metricValue,
    createdAt
from `metrics`.`logged_events`
where userId = 0 and toDateTime64(createdAt, 3, 'UTC') global in (select window_end
    from `metrics`.`metric_publications`
    where
        event_log = 'default.entityMetricEvents' and kind = 'corrections' and partition_id = '' and state in ('intended', 'published'))
