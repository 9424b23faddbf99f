select
    id,
    postId,
    imageId,
    articleId,
    bountyId
from `metrics_postgres`.`Thread`
