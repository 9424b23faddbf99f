{#
    A number with what it counts: 1 event, 2 events, 1,000 entities.
    Arguments: number, or its text; noun, in the singular.
#}
{% macro how_many(number, noun) %}
    {% set plural = noun[:-1] ~ 'ies' if noun.endswith('ty') else noun ~ 's' %}
    {% do return(number ~ ' ' ~ (noun if number | string == '1' else plural)) %}
{% endmacro %}
