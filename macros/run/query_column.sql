{#
    The first column of a query's result.
    Arguments: sql. Returns: a list; empty where there are no rows.
#}
{% macro query_column(sql) %}
    {% set values = [] %}
    {% for row in run_query(sql) %}{% do values.append(row[0]) %}{% endfor %}
    {% do return(values) %}
{% endmacro %}
