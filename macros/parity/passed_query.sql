{#
    A view in ClickHouse of a query that PostgreSQL runs. The model is in PostgreSQL's dialect; with --target postgres, it is a
    plain view there.
#}
{% materialization passed_query, adapter='clickhouse' %}
    {% do check_parity_vars() %}
    {% do require_postgres_collection() %}
    {% call statement('main') %}
        create or replace view {{ this }} as
        {{ counts_from_postgres(sql, this.identifier, 1) }}
    {% endcall %}
    {% do persist_docs(this, model) %}
    {% do return({'relations': [this.incorporate(type='view')]}) %}
{% endmaterialization %}
