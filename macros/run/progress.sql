{#
    Prints how long a step took, if it took more than three seconds.
    Arguments: began, a time in UTC; what was done; rows, how many, or a query that counts them; of, what they are (event, row);
    left, what is still to do.
#}
{% macro say_progress(began, what, rows, of, left='') %}
    {% set seconds = (modules.datetime.datetime.utcnow() - began).total_seconds() %}
    {% if seconds > 3 %}
        {% set rows = rows if rows is number else query_value(rows) %}
        {% do log(
            what ~ ': ' ~ how_many('{:,}'.format(rows), of) ~ ' in ' ~ '%.1f' | format(seconds) ~ ' s ('
            ~ '{:,.0f}'.format(rows / seconds) ~ ' a second)' ~ ('; ' ~ left if left),
            info=true
        ) %}
    {% endif %}
{% endmacro %}


{#
    How much of a job is left, judged by what is done: '97 of 100 slices left, about 120 s'.
    Arguments: began, a time in UTC; done and all, numbers; what they count, such as slice.
#}
{% macro left_to_do(began, done, all, what) %}
    {% set seconds = (modules.datetime.datetime.utcnow() - began).total_seconds() / done * (all - done) %}
    {% do return((all - done) ~ ' of ' ~ how_many(all, what) ~ ' left' ~ (', about ' ~ '%.0f' | format(seconds) ~ ' s' if all > done else '')) %}
{% endmacro %}


{# A number with what it counts: 1 event, 2 events, 1,000 entities. Arguments: number, or its text; noun, in the singular. #}
{% macro how_many(number, noun) %}
    {% set plural = noun[:-1] ~ 'ies' if noun.endswith('ty') else noun ~ 's' %}
    {% do return(number ~ ' ' ~ (noun if number | string == '1' else plural)) %}
{% endmacro %}
