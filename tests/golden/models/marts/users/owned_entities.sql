select
    'Model' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_model`

union all

select
    'Post' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_post`

union all

select
    'Image' as entityType,
    id as entityId,
    userId
from `metrics`.`stg_image`
