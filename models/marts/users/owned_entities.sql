{{ config(materialized='ephemeral') }}

{# Whose models, posts and images there are: one row each. #}

select
    'Model' as entityType,
    id as entityId,
    userId
from {{ ref('stg_model') }}

union all

select
    'Post' as entityType,
    id as entityId,
    userId
from {{ ref('stg_post') }}

union all

select
    'Image' as entityType,
    id as entityId,
    userId
from {{ ref('stg_image') }}
