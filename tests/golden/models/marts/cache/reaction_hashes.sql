select
    concat('reactions:', toString(userId)) as key,
    userId as id,
    mapFromArrays(groupArray(toString(imageId)), groupArray(flags)) as fields
from `metrics`.`user_image_reactions`
group by userId
