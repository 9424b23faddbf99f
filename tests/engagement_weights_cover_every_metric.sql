{# There is a weight for every kind of event: one for all others (*), and none for a kind that the catalog does not know. #}

select
    metric_type,
    'the catalog has no such metric' as problem
from {{ ref('engagement_weights') }}
where metric_type != '*' and metric_type not in (select known.metric_type from {{ ref('metric_catalog') }} as known)

union all

select
    '(all others)' as metric_type,
    toString(countIf(weights.metric_type = '*')) || ' rows with *, instead of one' as problem
from {{ ref('engagement_weights') }} as weights
having countIf(weights.metric_type = '*') != 1
