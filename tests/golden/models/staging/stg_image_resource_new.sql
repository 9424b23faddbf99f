select
    imageId,
    modelVersionId
from `metrics_postgres`.`ImageResourceNew`
