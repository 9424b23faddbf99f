{#
    A table of the source `postgres` in SQL that PostgreSQL runs. dbt's lineage sees the source.
    Arguments: name. Give a legacy table no alias: once it is retired, a query without rows stands in its place.
    Returns: text for a from clause.
#}
{% macro source_in_postgres(name) -%}
    {%- do source('postgres', name) -%}
    {{- retired_table_in_postgres(name) if execute and is_retired(name) else postgres_table(name) -}}
{%- endmacro %}


{#
    PostgreSQL: an aggregate's filter for what was created before the cutoff of an entity type, and in the window that is audited.
    Arguments: created_at, SQL; entity_type.
#}
{% macro before_cutoff(created_at, entity_type) -%}
    filter (where {{ created_at }} < timestamp '{{ cutoff_of(entity_type) }}'{{ since_start(created_at) }})
{%- endmacro %}


{#
    The condition for a row to lie in the window that is audited; nothing if all history is counted. A large table's where clause
    has it as well, so that PostgreSQL groups only the rows of the window; expected_now is wrong then, and not read.
    Arguments: created_at, SQL; word, before the condition.
#}
{% macro since_start(created_at, word='and') -%}
    {{- ' ' ~ word ~ ' ' ~ created_at ~ " >= timestamp '" ~ model.counted_since ~ "'" if model.counted_since -}}
{%- endmacro %}


{#
    The query of a model expected_*, of a window.
    Arguments: expected, the model, as its node; start, of the window (none: all history).
#}
{% macro counts_since(expected, start) %}
    {% do model.update({'counted_since': start}) %}
    {% set query = render(expected.raw_code) %}
    {% do model.update({'counted_since': none}) %}
    {% do return(query) %}
{% endmacro %}


{#
    PostgreSQL: the end of a model expected_*. It keeps the counts of entities that exist.
    Arguments:
        counts        name of the CTE (metric_type, entity_id, expected, expected_now) with one row for each entity and metric
        entity_type   the entity type that has these metrics
    Returns: a select of entity_type, entity_id, metric_type, expected (before the cutoff) and expected_now.
    Sets: the model's meta.entity_type, by which tests and reports find it.
#}
{% macro expected_counts(counts, entity_type) -%}
{{- config(meta={'entity_type': entity_type}) -}}
select
    '{{ entity_type }}' as entity_type,
    c.entity_id::bigint as entity_id,
    c.metric_type::text as metric_type,
    coalesce(c.expected, 0)::bigint as expected,
    c.expected_now::bigint as expected_now
from {{ counts }} as c
inner join {{ source_in_postgres(entity_type) }} as owners on c.entity_id = owners.id
{%- endmacro %}


{#
    PostgreSQL: the metrics that reviews make for models or versions. Each review counts in Rating and RatingCount; among a user's
    reviews with the same thumb, the earliest counts.
    Arguments: entity_id, the column of ResourceReview that names the entity; entity_type.
    Returns: a select of metric_type, entity_id, expected and expected_now.
#}
{% macro review_counts(entity_id, entity_type) -%}
with thumbs as (
    select
        {{ entity_id }} as entity_id,
        recommended,
        min("createdAt") as created_at,
        count(*) {{ before_cutoff('"createdAt"', entity_type) }} as reviews_before,
        count(*) as reviews,
        sum(rating) {{ before_cutoff('"createdAt"', entity_type) }} as rating_before,
        sum(rating) as rating
    from {{ source_in_postgres('ResourceReview') }}
    where not exclude and not "tosViolation"
    group by {{ entity_id }}, "userId", recommended
)

select 'Rating' as metric_type, entity_id, sum(rating_before) as expected, sum(rating) as expected_now
from thumbs
group by entity_id

union all

select 'RatingCount', entity_id, sum(reviews_before), sum(reviews)
from thumbs
group by entity_id

union all

select case when recommended then 'ThumbsUp' else 'ThumbsDown' end, entity_id, count(*) {{ before_cutoff('created_at', entity_type) }}, count(*)
from thumbs
group by entity_id, recommended
{%- endmacro %}


{#
    PostgreSQL: the goals of donations, each with its version. entityType and entityId name it; if they do not, the older column
    does. The table may lack either.
    Returns: a select of id and version_id (null: the goal is for no version).
#}
{% macro version_goals() -%}
select
    g.id,
    -- the goal's own columns; if the table lacks one, the null beside the goal
    (
        select
            case
                when "entityType" is null then "modelVersionId"
                when "entityType" = 'ModelVersion' then coalesce("entityId", "modelVersionId")
            end
        from (select g.*) as goal
    ) as version_id
from {{ source_in_postgres('DonationGoal') }} as g
cross join (select null::int as "modelVersionId", null::text as "entityType", null::int as "entityId") as absent
{%- endmacro %}


{#
    The counts of a model expected_* in ClickHouse. PostgreSQL counts; only the counts of the entities asked for cross the wire.
    The var expected_counts says whether PostgreSQL is passed the SQL itself (query) or asked for the view that
    dbt run --target postgres --select tag:parity makes there (view).
    Arguments: sql and name, of the model; sample, the share of the entities; start, of a window, which no view knows.
    Returns: a select of the columns of the model, none of them Nullable.
#}
{% macro counts_from_postgres(sql, name, sample, start=none) -%}
    {%- set counts = 'select * from metric_parity.' ~ name if var('expected_counts') == 'view' and not start else sql -%}
    {%- set counts = 'select * from (' ~ counts ~ ') as counts where ' ~ in_sample('entity_id', sample) if sample < 1 else counts -%}
    select
        assumeNotNull(entity_type) as entity_type,
        assumeNotNull(entity_id) as entity_id,
        assumeNotNull(metric_type) as metric_type,
        assumeNotNull(expected) as expected,
        assumeNotNull(expected_now) as expected_now
    from {{ postgres_query(counts) }}
{%- endmacro %}


{#
    The condition for an entity to belong to a sample: the same entities in both engines and for every metric. Multiplicative
    hashing, since both engines can multiply.
    Arguments: id, SQL of at most 32 bits; sample, a share.
#}
{% macro in_sample(id, sample) -%}
    {%- if sample < 1 -%}
        cast({{ id }} as bigint) * 2654435761 % 4294967296 < {{ (sample * 4294967296) | int }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#
    Puts the tests of the expected counts before the model that calls it: dbt build skips a model if a test fails whose parents
    are all upstream of the model. scripts/generate.py writes the list.
    Returns: one comment for each model expected_*.
#}
{% macro depends_on_expected_counts() -%}
    {%- for name in [
        'expected_application_metrics',
        'expected_article',
        'expected_bounty',
        'expected_bounty_entry',
        'expected_collection',
        'expected_image',
        'expected_model',
        'expected_model_version',
        'expected_post',
        'expected_tag',
        'expected_user',
    ] %}
-- depends_on: {{ ref(name) }}
    {%- endfor %}
{%- endmacro %}
