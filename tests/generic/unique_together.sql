{#
    No two rows have the same values in some columns.

    Arguments:
        model     the model that is tested
        columns   names of columns, such as [userId, imageId]
        sampled   column with an entity's id, of which only the share parity_sample is compared; none: all rows
#}
{% test unique_together(model, columns, sampled=none) %}
    {%- if not is_built(model) %}
    select 'not built' as nothing where false
    {%- else %}
    select
        {{ columns | join(', ') }},
        count() as n_records
    from {{ model }}
    {%- if sampled %}
    where {{ in_sample(sampled, var('parity_sample') | float) }}
    {%- endif %}
    group by {{ columns | join(', ') }}
    having n_records > 1
    {%- endif %}
{% endtest %}
