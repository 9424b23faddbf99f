-- depends_on: `metrics`.`published_events`

select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`article_engagement_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`article_reaction_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`bounty_benefactor_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`bounty_engagement_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`bounty_entry_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`bounty_entry_reaction_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`collection_contributor_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`collection_item_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`comment_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`comment_v2_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`compensation_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`download_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`generation_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`image_reaction_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`image_resource_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`resource_review_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`tag_engagement_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`tip_events`
union all
select entityType, entityId, userId, metricType, metricValue, createdAt from `metrics`.`user_engagement_events`
