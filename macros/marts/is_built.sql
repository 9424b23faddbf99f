{#
    Whether a mart exists and can be tested. After a backfill alone it does not, and a line says so.
    Arguments: relation, the mart's.
#}
{% macro is_built(relation) %}
    {% if not execute or load_relation(relation) %}
        {% do return(true) %}
    {% endif %}
    {% do log(relation.identifier ~ ' is not built, and so not tested: dbt build --selector marts', info=true) %}
    {% do return(false) %}
{% endmacro %}
