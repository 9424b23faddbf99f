{#
    One metric of an events model: which source rows become events, and what the events say.

    Arguments, all but the last two SQL expressions over the columns of the rows given to metric_events():
        entity_type     the kind of entity that has the metric, such as 'Model'
        metric_type     the metric's name, such as 'ThumbsUp'
        entity_id       the entity's id; null: no event
        user_id         the user who acted; null becomes 0
        value           what the event adds to the metric; 0: no event
        created_at      when it happened, UTC; null becomes 2022-11-01 00:00:00
        when            the condition for a row to be an event; none: every row is one
        once_per_user   true: only the earliest event of a user and entity counts; needs value 1
        entity_joined   true: the rows are joined with the entity's own table, which proves that the entity exists
    Returns: a dict with these keys.
    Raises: a compiler error if once_per_user comes with a value, or if the condition names a column of the event itself, which
    ClickHouse would read instead of the column of the rows.
#}
{% macro metric(
    entity_type,
    metric_type,
    entity_id,
    user_id='userId',
    value='1',
    created_at='createdAt',
    when=none,
    once_per_user=false,
    entity_joined=false
) %}
    {% if once_per_user and value != '1' %}
        {% do exceptions.raise_compiler_error(
            entity_type ~ ' ' ~ metric_type ~ ' has once_per_user with the value ' ~ value
            ~ ": only a count can be kept to one event a user; leave value out, or once_per_user."
        ) %}
    {% endif %}
    {% for column in ['entityType', 'metricType', 'metricValue'] if column in (when or '') %}
        {% do exceptions.raise_compiler_error(
            entity_type ~ ' ' ~ metric_type ~ ' has the condition ' ~ when ~ ', in which ' ~ column
            ~ ' would be the event\'s own: give the column of the rows another name.'
        ) %}
    {% endfor %}
    {% do return({
        'entity_type': entity_type,
        'metric_type': metric_type,
        'entity_id': entity_id,
        'user_id': user_id,
        'value': value,
        'created_at': created_at,
        'when': when,
        'once_per_user': once_per_user,
        'entity_joined': entity_joined,
    }) %}
{% endmacro %}
