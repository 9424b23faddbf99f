{{ config(
    tags=['marts'],
    fail_calc='sum(differing)',
    warn_if='> 0',
    error_if='> 0 and max(differing / users) > ' ~ var('reconcile_limit')
) }}

{#
    Engagement scores are what the events of the last 30 days weigh, as the log has them, for the users whom PostgreSQL names. The
    owners of what is not landed yet are left out. What was deleted or given to another user since it was landed makes a few users
    differ: a warning, and an error only for a larger share of the users with a score than reconcile may correct.
#}

-- noqa: disable=all
{%- if is_built(ref('user_metrics')) and execute and flags.WHICH in ['test', 'build'] %}
{% set sample = var('parity_sample') | float %}

{% set owners %}
    {%- for entity_type in ['Model', 'Post', 'Image'] %}
    {%- set newest = query_value('select max(id) from ' ~ relation_named('stg_' ~ snake_case(entity_type))) %}
    {{ 'union all' if not loop.first }}
    select '{{ entity_type }}' as entity_type, id as entity_id, "userId" as user_id
    from {{ source_in_postgres(entity_type) }}
    where id <= {{ newest }} and {{ in_sample('"userId"', sample) }}
    {%- endfor %}
{% endset %}

with recent as (
    select
        toString(entityType) as entity_type,
        toInt64(entityId) as entity_id,
        toString(metricType) as metric_type,
        countIf(metricValue > 0) - countIf(metricValue < 0) as events
    from {{ relation_named('logged_events') }}
    where createdAt >= date_sub(day, 30, now64(3, 'UTC'))
    group by
        entity_type,
        entity_id,
        metric_type
),

side as (
    select
        toInt64(owner.user_id) as user_id,
        recent.events * weights.weight as of_log,
        toDecimal128(0, 2) as of_user_metrics
    from recent
    inner join {{ graph.nodes['seed.' ~ project_name ~ '.engagement_weights'].relation_name }} as weights using (entity_type, metric_type)
    inner join (
        select
            assumeNotNull(entity_type) as entity_type,
            toInt64(assumeNotNull(entity_id)) as entity_id,
            assumeNotNull(user_id) as user_id
        from {{ postgres_query(owners) }}
    ) as owner using (entity_type, entity_id)

    union all

    select
        toInt64(userId) as user_id,
        toDecimal128(0, 2) as of_log,
        engagementScore as of_user_metrics
    from {{ ref('user_metrics') }}
    where {{ in_sample('userId', sample) }}
),

compared as (
    select
        user_id,
        sum(of_log) as by_the_log,
        sum(of_user_metrics) as by_user_metrics
    from side
    group by user_id
)

select
    'engagementScore' as problem,
    countIf(by_the_log != by_user_metrics) as differing,
    countIf(by_the_log != 0 or by_user_metrics != 0) as users,
    argMax(user_id, abs(by_the_log - by_user_metrics)) as worst_user,
    argMax(by_the_log, abs(by_the_log - by_user_metrics)) as score_by_the_log,
    argMax(by_user_metrics, abs(by_the_log - by_user_metrics)) as score_by_user_metrics
from compared
having differing > 0
{%- else %}
select 'not built' as problem, 0 as differing, 1 as users where false
{%- endif %}
