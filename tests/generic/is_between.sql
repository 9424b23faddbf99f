{#
    A number lies between two others, or equals one of them.

    Arguments:
        model, column_name   the column that is tested
        low, high            the numbers
#}
{% test is_between(model, column_name, low, high) %}
    {%- if not is_built(model) %}
    select 'not built' as nothing where false
    {%- else %}
    select
        {{ column_name }} as value_field,
        count() as n_records
    from {{ model }}
    where {{ column_name }} not between {{ low }} and {{ high }}
    group by value_field
    {%- endif %}
{% endtest %}
