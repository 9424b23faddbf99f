{#
    A view in ClickHouse of a query that PostgreSQL runs. The model is written in PostgreSQL's dialect and is a plain
    view there (dbt run --target postgres).
#}
{% materialization passed_query, adapter='clickhouse' %}
    {% do check_parity_vars() %}
    {% do _require_postgres_collection() %}
    {% call statement('main') %}
        create or replace view {{ this }} as
        {{ counts_from_postgres(sql, this.identifier, 1) }}
    {% endcall %}
    {% do persist_docs(this, model) %}
    {% do return({'relations': [this.incorporate(type='view')]}) %}
{% endmaterialization %}
