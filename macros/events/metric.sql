{#
    One metric of an events model: what makes a row of the source an event.

    Arguments, all but the last two SQL expressions over the columns of the rows given to metric_events():
        entity_type     the kind of entity that the metric belongs to, such as 'Model'
        metric_type     the metric's name, such as 'ThumbsUp'
        entity_id       id of the entity; a null is no event
        user_id         user who acted; null becomes 0
        value           what the event adds to the metric; 0 is no event
        created_at      when it happened, UTC; null becomes 2022-11-01 00:00:00
        when            the condition under which a row is an event; none: every row is
        once_per_user   true: of the events of one entity and user only the earliest counts; needs value 1
        entity_joined   true: the rows are joined with the entity's own table, so that its existence is proven
    Returns: a dict with these keys.
    Raises: a compiler error where once_per_user comes with another value than 1, or the condition names a column of the
    event itself: ClickHouse would take that, and not the column of the rows.
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
