{#
    Says how long a step took, where it took more than three seconds.
    Arguments: began, a time in UTC; what was done; rows, how many rows that are, or a query of it; of what (event, row); left,
    what is still to be done.
#}
{% macro say_progress(began, what, rows, of, left='') %}
    {% set seconds = (modules.datetime.datetime.utcnow() - began).total_seconds() %}
    {% if seconds > 3 %}
        {% set rows = rows if rows is number else query_column(rows) | first %}
        {% do log(
            what ~ ': ' ~ how_many('{:,}'.format(rows), of) ~ ' in ' ~ '%.1f' | format(seconds) ~ ' s ('
            ~ '{:,.0f}'.format(rows / seconds) ~ ' a second)' ~ ('; ' ~ left if left),
            info=true
        ) %}
    {% endif %}
{% endmacro %}


{#
    How much of a job is left, judged by what is done.
    Arguments: began, when the job began, a time in UTC; done and all, numbers of what; what, such as slice.
    Returns: text, such as '97 of 100 slices left, about 120 s'.
#}
{% macro left_to_do(began, done, all, what) %}
    {% set seconds = (modules.datetime.datetime.utcnow() - began).total_seconds() / done * (all - done) %}
    {% do return((all - done) ~ ' of ' ~ how_many(all, what) ~ ' left' ~ (', about ' ~ '%.0f' | format(seconds) ~ ' s' if all > done else '')) %}
{% endmacro %}
