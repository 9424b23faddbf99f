{#
    The slices, of some, whose rows in PostgreSQL are not those that were landed, also if one side has no row. Both engines compute the
    number of rows and a checksum of all staged columns in the same way.

    Each column is a number; the text of an enum is its place in the list of values. Two weighted sums of the row's numbers,
    multiplied, are the row; the rows' sum is the checksum. A change goes unnoticed by chance once in two billion times. Whoever knows
    the weights can make one that does. PostgreSQL takes less than half of the time of an md5 of the row's text.

    Arguments: slicing, of the materialization `slices`, with a key; relation, the staging table; slices, those that are compared.
    Returns: a query of slice.
#}
{% macro changed_slices(slicing, relation, slices) %}
    {%- set columns = _checksum_columns(relation) -%}
    {%- set in_postgres -%}
        select
            "{{ slicing.key }}" / {{ slicing.size }} as slice,
            count(*) as rows,
            sum({{ _row_checksum(columns | map(attribute='postgres') | list) }})::bigint as checksum
        from {{ slicing.source }} as source_row
        {{- _where_in_slices(slicing, slices, '"') }}
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
            toInt64(sum({{ _row_checksum(columns | map(attribute='clickhouse') | list) }})) as checksum
        from {{ relation }}
        {{- _where_in_slices(slicing, slices) }}
        group by slice
    ) as staged using (slice)
    where (source.rows, source.checksum) != (staged.rows, staged.checksum)
{% endmacro %}


{# The filter for slices, in both dialects; none if all are compared. #}
{% macro _where_in_slices(slicing, slices, quote='') %}
    {%- if var('reconcile_share') < 1 %}
        where {% for slice in slices %}{{ in_slice(slicing, slice, quote) }}{{ ' or ' if not loop.last }}{% endfor %}
    {%- endif %}
{%- endmacro %}


{#
    A row as a number below 2 ** 31, in both dialects: no product leaves 64 bits. The modulus is a prime, and the weights are odd
    numbers without a pattern.
    Arguments: columns, SQL of 64 bits each.
#}
{% macro _row_checksum(columns) -%}
    {%- set sums = [] -%}
    {%- for weight in [2654435761, 668265263] -%}
        {%- set terms = [] -%}
        {%- for column in columns -%}
            {%- do terms.append(column ~ ' % 2147483647 * ' ~ weight * (2 * loop.index + 1) % 2147483647 ~ ' % 2147483647') -%}
        {%- endfor -%}
        {%- do sums.append('(' ~ terms | join(' + ') ~ ') % 2147483647') -%}
    {%- endfor -%}
    (({{ sums | join(') * (') }})) % 2147483647
{%- endmacro %}


{#
    The staged columns as numbers of 64 bits in both dialects: a time in milliseconds, a Boolean as 0 or 1, other text by its md5,
    null as a number that nothing else is.
#}
{% macro _checksum_columns(relation) %}
    {% set declared = graph.sources[model.depends_on.nodes[0]].columns %}
    {% set columns = [] %}
    {% for row in run_query(
        "select name, type from system.columns where database = '" ~ relation.schema ~ "' and table = '" ~ relation.identifier ~ "'"
        ~ " and name != '_landed_at' order by position"
    ) %}
        {% set name, type = row[0], row[1] %}
        {% set meta = declared[name].config.meta if name in declared else {} %}
        {# jsonb makes a null of a column that does not exist. #}
        {% set in_postgres = "(to_jsonb(source_row) ->> '" ~ name ~ "')" if meta.get('optional') else '"' ~ name ~ '"' %}
        {% if 'DateTime64' in type %}
            {% set numbers = ['toUnixTimestamp64Milli(' ~ name ~ ')', "round(date_part('epoch', " ~ in_postgres ~ ') * 1000000)::bigint / 1000'] %}
        {% elif 'Bool' in type %}
            {% set numbers = [name, in_postgres ~ '::boolean::int'] %}
        {% elif type.startswith('Array') %}
            {% set numbers = [
                _number_of_text("arrayStringConcat(" ~ name ~ ", ',')"),
                _number_of_text('coalesce(array_to_string(' ~ in_postgres ~ ", ','), '')", true)
            ] %}
        {% elif 'String' in type and meta.get('values') %}
            {% set values = "['" ~ meta['values'] | join("', '") ~ "']" %}
            {% set numbers = [
                'nullIf(indexOf(' ~ values ~ ', ' ~ name ~ '), 0)', 'array_position(array' ~ values ~ ', ' ~ in_postgres ~ '::text)'
            ] %}
            {% set numbers = [
                'coalesce(' ~ numbers[0] ~ ', ' ~ _number_of_text(name) ~ ')', 'coalesce(' ~ numbers[1] ~ ', ' ~ _number_of_text(in_postgres ~ '::text', true) ~ ')'
            ] %}
        {% elif 'String' in type %}
            {% set numbers = [_number_of_text(name), _number_of_text(in_postgres ~ '::text', true)] %}
        {% else %}
            {% set numbers = [name, in_postgres] %}
        {% endif %}
        {% do columns.append({
            'clickhouse': 'toInt64(ifNull(' ~ numbers[0] ~ ', -9876543210))',
            'postgres': 'coalesce(' ~ numbers[1] ~ '::bigint, -9876543210)'
        }) %}
    {% endfor %}
    {% do return(columns) %}
{% endmacro %}


{# The first 32 bits of the md5 of a text, null of null. Arguments: text, SQL; in_postgres, whether it is PostgreSQL's. #}
{% macro _number_of_text(text, in_postgres=false) -%}
    {%- if in_postgres -%}
        ('x' || substr(md5({{ text }}), 1, 8))::bit(32)::bigint
    {%- else -%}
        if(isNull({{ text }}), null, reinterpretAsUInt32(reverse(substring(MD5(assumeNotNull({{ text }})), 1, 4))))
    {%- endif -%}
{%- endmacro %}
