{{ config(materialized='view') }}

{# The hash in Redis of each user: a field for each number of user_metrics that is not 0. #}

select
    concat('user:metrics:', toString(userId)) as key,
    userId as id,
    mapFilter(
        (name, value) -> value != 0,
        map(
            {%- for name in user_metric_names() %}
                '{{ name }}', toDecimal128({{ name }}, 2){{ ',' if not loop.last }}
            {%- endfor %}
        )
    ) as fields
from {{ ref('user_metrics') }}
