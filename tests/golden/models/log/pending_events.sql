select * from `metrics`.`article_engagement_events`
union all
select * from `metrics`.`article_reaction_events`
union all
select * from `metrics`.`bounty_benefactor_events`
union all
select * from `metrics`.`bounty_engagement_events`
union all
select * from `metrics`.`bounty_entry_events`
union all
select * from `metrics`.`bounty_entry_reaction_events`
union all
select * from `metrics`.`collection_contributor_events`
union all
select * from `metrics`.`collection_item_events`
union all
select * from `metrics`.`comment_events`
union all
select * from `metrics`.`comment_v2_events`
union all
select * from `metrics`.`compensation_events`
union all
select * from `metrics`.`download_events`
union all
select * from `metrics`.`generation_events`
union all
select * from `metrics`.`image_reaction_events`
union all
select * from `metrics`.`image_resource_events`
union all
select * from `metrics`.`resource_review_events`
union all
select * from `metrics`.`tag_engagement_events`
union all
select * from `metrics`.`tip_events`
union all
select * from `metrics`.`user_engagement_events`
