{#
    The hash of a row's keys, and the row's bucket, of which there are 65,536. To compare two sides, add up value * hash in each bucket:
    where the sums are equal, so is every entity. Only entities of other buckets need a sum each. The sums do not depend on how many
    rows a value is spread over. Values of one bucket that differ have equal sums about once in 2^48 times, and nobody can choose
    such values: the hash is salted with the id of the run.
    Arguments: keys, SQL expressions, of the same types on both sides.
    Returns: the columns hash (UInt64) and bucket (UInt16).
#}
{% macro hash_and_bucket(keys) -%}
    cityHash64('{{ invocation_id }}', {{ keys }}) as hash,
    toUInt16(hash) as bucket
{%- endmacro %}
