{{ config(materialized='ephemeral') }}

{# Whose models, posts, images, articles, bounties and entries to bounties there are: one row each. #}

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

union all

select
    'Article' as entityType,
    id as entityId,
    userId
from {{ ref('stg_article') }}

union all

-- a bounty and an entry may have lost their user
select
    'Bounty' as entityType,
    id as entityId,
    assumeNotNull(bounty.userId) as userId
from {{ ref('stg_bounty') }} as bounty
where bounty.userId is not null

union all

select
    'BountyEntry' as entityType,
    id as entityId,
    assumeNotNull(entry.userId) as userId
from {{ ref('stg_bounty_entry') }} as entry
where entry.userId is not null
