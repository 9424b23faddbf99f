{{ config(slice_key='id', order_by='id') }}

{# Threads of comments: one row per thread. #}

select
    id,
    postId,
    imageId,
    articleId,
    bountyId
from {{ source('postgres', 'Thread') }}
