{{ config(materialized='view') }}

{#
    When the windows of an entity changed: an event enters all of them, and a day leaves each one at a midnight. One row for each
    open event, for each day that was rolled up, and for each day that has left a window. A filter on changedAt reads only the months
    it needs, since ClickHouse knows that a cast keeps the order of days; of toDateTime64() it does not.
#}

with {{ current_seam() }} as seam

select
    entityType,
    entityId,
    toDateTime64(createdAt, 3, 'UTC') as changedAt
from {{ ref('logged_events') }}
where createdAt >= seam.2

union all

-- of a day that was rolled up, the moment is not known: at the latest when the day ended
select
    entityType,
    entityId,
    cast(day + 1, 'DateTime64(3, \'UTC\')') as changedAt
from {{ ref('entity_metric_rollup') }}
where day < toDate(seam.2, 'UTC')

-- a day that has left a window: the day, the week, the month and the year
{%- for days in feed_windows().values() %}

    union all

    select
        entityType,
        entityId,
        cast(day + {{ days + 1 }}, 'DateTime64(3, \'UTC\')') as changedAt
    from {{ ref('entity_metric_daily') }}
    where day < {{ current_day() }} - {{ days }}
{%- endfor %}
