{#
    The hash of a row's keys, and the row's bucket, of which there are 65,536. Of two sides that should add up to the same, each needs
    one sum of value * hash a bucket, and not a sum for each entity: only entities of buckets that differ are looked at one by one. The
    sums are linear in the values, so they do not depend on how many rows the values are spread over. A difference stays hidden with a
    chance of 1 in 2^48, and nobody can choose one that does: the hash is salted with the id of the run.
    Arguments: keys, SQL of columns, of the same types on both sides.
    Returns: the columns hash (UInt64) and bucket (UInt16).
#}
{% macro hash_and_bucket(keys) -%}
    cityHash64('{{ invocation_id }}', {{ keys }}) as hash,
    toUInt16(hash) as bucket
{%- endmacro %}
