{{ config(
    materialized='incremental',
    full_refresh=false,
    incremental_strategy='insert_overwrite',
    on_schema_change='fail',
    engine='MergeTree()',
    partition_by='generation',
    primary_key='(entityType, entityId)',
    order_by='(entityType, entityId, metricType)',
    settings={'index_granularity': 512, 'min_compress_block_size': 4096, 'max_compress_block_size': 16384},
    pre_hook='{{ begin_seal() }}',
    post_hook='{{ end_seal() }}'
) }}

{#
    What each metric of an entity adds up to before the boundary of a seam. Each seam has a generation of its own, so that
    readers go from one to the next at once; --full-refresh, which would swap the table under them, makes a new one as
    well. Small granules and small compressed blocks, since readers look up single entities (measured: scripts/bench.py
    lookup).
#}

with assumeNotNull((
    -- read once, so that generation and boundary belong together; where there is none, 0 and 1970
    select argMax((generation, boundary), generation)
    from (
        {{ seam_to_seal() }}
    )
)) as seam

select
    seam.1 as generation,
    entityType,
    entityId,
    metricType,
    sum(totalOfDay) as total
from (
    select
        entityType,
        entityId,
        metricType,
        total as totalOfDay
    from {{ ref('entity_metric_rollup') }}
    where day < toDate(seam.2, 'UTC')
)
group by
    entityType,
    entityId,
    metricType
