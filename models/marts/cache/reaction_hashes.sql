{{ config(materialized='view') }}

{# The hash in Redis of each user who has reacted to images: a field for each image. #}

select
    concat('reactions:', toString(userId)) as key,
    userId as id,
    mapFromArrays(groupArray(toString(imageId)), groupArray(flags)) as fields
from {{ ref('user_image_reactions') }}
group by userId
