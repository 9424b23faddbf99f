select
    userId,
    imageId,
    toUInt8(groupBitOr(
        multiIf(
            reaction = 'Like', 1,
            reaction = 'Dislike', 2,
            reaction = 'Laugh', 4,
            reaction = 'Cry', 8,
            reaction = 'Heart', 16,
            0
        )
    )) as flags
from `metrics`.`stg_image_reaction`
group by
    userId,
    imageId
having flags != 0
