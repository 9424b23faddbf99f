{#
    The slices whose rows in PostgreSQL are not those that were landed, also if one side has no row. Both engines compute the
    number of rows and a checksum of all staged columns in the same way.

    Arguments: slicing, of the materialization `slices`, with a key; relation, the staging table.
    Returns: a query of slice.
#}
{% macro changed_slices(slicing, relation) %}
    {%- set columns = _checksum_columns(relation) -%}
    {%- set in_postgres -%}
        select
            "{{ slicing.key }}" / {{ slicing.size }} as slice,
            count(*) as rows,
            sum(('x' || substr(md5(concat_ws('|', {{ columns | map(attribute='postgres') | join(', ') }})), 1, 8))::bit(32)::bigint)::bigint as checksum
        from {{ slicing.source }} as source_row
        group by 1
    {%- endset -%}
    select toInt64(slice) as slice
    from (
        select
            toInt64(assumeNotNull(slice)) as slice,
            toUInt64(assumeNotNull(rows)) as rows,
            toInt64(assumeNotNull(checksum)) as checksum
        from {{ postgres_query(in_postgres) }}
    ) as source
    full outer join (
        select
            toInt64({{ slicing.number }}) as slice,
            count() as rows,
            toInt64(sum(reinterpretAsUInt32(reverse(substring(MD5(concatWithSeparator('|', {{ columns | map(attribute='clickhouse') | join(', ') }})), 1, 4))))) as checksum
        from {{ relation }}
        group by slice
    ) as staged using (slice)
    where (source.rows, source.checksum) != (staged.rows, staged.checksum)
{% endmacro %}


{# The staged columns as text in both dialects: a time as milliseconds, a Boolean as 0 or 1, null as ~. #}
{% macro _checksum_columns(relation) %}
    {% set optional = [] %}
    {% for column in graph.sources[model.depends_on.nodes[0]].columns.values() if column.config.meta.get('optional') %}
        {% do optional.append(column.name) %}
    {% endfor %}
    {% set columns = [] %}
    {% for row in run_query(
        "select name, type from system.columns where database = '" ~ relation.schema ~ "' and table = '" ~ relation.identifier ~ "'"
        ~ " and name != '_landed_at' order by position"
    ) %}
        {% set name, type = row[0], row[1] %}
        {% if 'DateTime64' in type %}
            {% set texts = ['toString(toUnixTimestamp64Milli(' ~ name ~ '))', 'trunc(extract(epoch from "' ~ name ~ '") * 1000)::bigint::text'] %}
        {% elif 'Bool' in type %}
            {% set texts = ['toString(toUInt8(' ~ name ~ '))', '"' ~ name ~ '"::int::text'] %}
        {% elif type.startswith('Array') %}
            {% set texts = ["arrayStringConcat(" ~ name ~ ", ',')", 'coalesce(array_to_string("' ~ name ~ '", \',\'), \'\')'] %}
        {% elif name in optional %}
            {# jsonb makes a null of a column that does not exist. #}
            {% set texts = ['toString(' ~ name ~ ')', "to_jsonb(source_row) ->> '" ~ name ~ "'"] %}
        {% else %}
            {% set texts = ['toString(' ~ name ~ ')', '"' ~ name ~ '"::text'] %}
        {% endif %}
        {% do columns.append({
            'clickhouse': "ifNull(" ~ texts[0] ~ ", '~')",
            'postgres': 'coalesce(' ~ texts[1] ~ ", '~')"
        }) %}
    {% endfor %}
    {% do return(columns) %}
{% endmacro %}
