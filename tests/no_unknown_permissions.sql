{{ config(severity='warn', fail_calc='sum(n_records)') }}

{# Permissions of collections are of the kinds that the rules of metrics know. #}

with permission as (
    select arrayJoin(permissions) as value_field
    from {{ ref('stg_collection_contributor') }}
)

select
    value_field,
    count() as n_records
from permission
where value_field not in ('VIEW', 'ADD', 'ADD_REVIEW', 'MANAGE')
group by value_field
