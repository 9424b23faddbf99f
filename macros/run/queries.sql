{# The first column of a query's result, as a list. Arguments: sql. #}
{% macro query_column(sql) %}
    {% set values = [] %}
    {% for row in run_query(sql) %}{% do values.append(row[0]) %}{% endfor %}
    {% do return(values) %}
{% endmacro %}


{# The first value of a query's result, none if it has no rows. Arguments: sql. #}
{% macro query_value(sql) %}
    {% do return(query_column(sql) | first | default(none)) %}
{% endmacro %}


{# The rows of a query's result, as a list of dicts. Arguments: sql. #}
{% macro query_dicts(sql) %}
    {% set rows = [] %}
    {% for row in run_query(sql) %}{% do rows.append(row.dict()) %}{% endfor %}
    {% do return(rows) %}
{% endmacro %}
