{{ config(
    tags=['marts'],
    store_failures=true,
    schema='failures',
    fail_calc='sum(differing)',
    warn_if='> 0',
    error_if='> 0 and max(differing / users) > ' ~ var('reconcile_limit')
) }}

{#
    What PostgreSQL counts of each user, in its own SQL, beside user_metrics. PostgreSQL counts what is there now, of what is landed.
    A few users differ as long as the log lacks events, or rows have changed since they were landed: a warning, until the next
    reconcile. A larger share of the users who have that number than reconcile may correct is an error. Rows are columns of
    user_metrics. Downloads, generations and earnings have their rows in ClickHouse, where expected_application_metrics counts them.
    Not the engagement score: what is taken back leaves no row in PostgreSQL. See engagement_scores_are_what_the_log_says. Nor tips
    once BuzzTip is retired.
#}

-- noqa: disable=all
{%- if is_built(ref('user_metrics')) and execute and flags.WHICH in ['test', 'build'] %}

{#- What is not landed yet is not the user's yet: rows with a later id, tips of a later time. -#}
{% set landed = {} %}
{% for table in ['model', 'model_version', 'post', 'image', 'article', 'bounty', 'bounty_entry', 'donation', 'buzz_tip'] %}
    {% set newest = 'toString(max(createdAt))' if table == 'buzz_tip' else 'max(id)' %}
    {% do landed.update({table: query_value('select ' ~ newest ~ ' from ' ~ relation_named('stg_' ~ table))}) %}
{% endfor %}

{% set not_compared = ['engagementScore'] + (['tipCount', 'tipAmount', 'tipCountGiven', 'tipAmountGiven'] if is_retired('BuzzTip') else []) %}

{% set owners %}
    select 'User' as entity_type, id as entity_id, id as user_id from {{ source_in_postgres('User') }}
    union all
    select 'Model', id, "userId" from {{ source_in_postgres('Model') }} where id <= {{ landed['model'] }}
    union all
    select 'Post', id, "userId" from {{ source_in_postgres('Post') }} where id <= {{ landed['post'] }}
    union all
    select 'Image', id, "userId" from {{ source_in_postgres('Image') }} where id <= {{ landed['image'] }}
    union all
    select 'Article', id, "userId" from {{ source_in_postgres('Article') }} where id <= {{ landed['article'] }}
    union all
    select 'Bounty', id, "userId" from {{ source_in_postgres('Bounty') }} where id <= {{ landed['bounty'] }} and "userId" is not null
    union all
    select 'BountyEntry', id, "userId" from {{ source_in_postgres('BountyEntry') }} where id <= {{ landed['bounty_entry'] }} and "userId" is not null
{% endset %}

{#- Owners of models alone: no others are needed for what ClickHouse counts, and the site has a hundred million images. #}
{% set owners_of_models %}
    select id as entity_id, "userId" as user_id
    from {{ source_in_postgres('Model') }}
    where id <= {{ landed['model'] }} and {{ in_sample('"userId"', var('parity_sample') | float) }}
{% endset %}

{% set counts_in_postgres %}
with owners as (
    {{- owners }}
),

counts (name, user_id, total) as (
    -- what the second bookkeeper counts of each entity, by the user it belongs to
    select m.name, o.user_id, sum(c.expected_now)
    from (
        {%- for entity_type in ['user', 'model', 'post', 'image', 'article', 'bounty', 'bounty_entry'] %}
        {{ 'union all' if not loop.first }}
        select entity_type, metric_type, entity_id, expected_now
        from ({{ render(graph.nodes['model.' ~ project_name ~ '.expected_' ~ entity_type].raw_code) }}) as of_{{ entity_type }}
        {%- endfor %}
    ) as c
    inner join owners as o on c.entity_type = o.entity_type and c.entity_id = o.entity_id
    inner join (
        values
        ('followers', 'User', 'Follower'), ('following', 'User', 'Following'), ('hidden', 'User', 'Hidden'), ('reviews', 'User', 'Review'),
        ('thumbsUp', 'Model', 'ThumbsUp'), ('thumbsDown', 'Model', 'ThumbsDown'), ('reviewsReceived', 'Model', 'RatingCount'),
        ('comments', 'Model', 'Comment'), ('comments', 'Post', 'Comment'), ('comments', 'Image', 'Comment'),
        ('comments', 'Article', 'Comment'), ('comments', 'Bounty', 'Comment'),
        ('imageComments', 'Image', 'Comment'), ('articleComments', 'Article', 'Comment'),
        ('collections', 'Model', 'Collection'), ('collections', 'Post', 'Collection'), ('collections', 'Image', 'Collection'),
        ('collections', 'Article', 'Collection'),
        ('tipCount', 'Model', 'TipCount'), ('tipCount', 'Post', 'TipCount'), ('tipCount', 'Article', 'TipCount'),
        ('tipCount', 'BountyEntry', 'TipCount'),
        ('tipAmount', 'Model', 'TipAmount'), ('tipAmount', 'Post', 'TipAmount'), ('tipAmount', 'Article', 'TipAmount'),
        ('tipAmount', 'BountyEntry', 'TipAmount'), ('tipAmount', 'Image', 'Buzz')
    ) as m (name, entity_type, metric_type) on c.entity_type = m.entity_type and c.metric_type = m.metric_type
    group by m.name, o.user_id

    union all

    select
        case entity_type
            when 'Model' then 'models' when 'Post' then 'posts' when 'Image' then 'images' when 'Article' then 'articles'
            when 'Bounty' then 'bounties' else 'bountyEntries'
        end,
        user_id,
        count(*)
    from owners
    where entity_type != 'User'
    group by entity_type, user_id

    union all

    select 'modelVersions', m."userId", count(*)
    from {{ source_in_postgres('ModelVersion') }} as v
    inner join {{ source_in_postgres('Model') }} as m on v."modelId" = m.id
    where v.status = 'Published' and v.id <= {{ landed['model_version'] }} and m.id <= {{ landed['model'] }}
    group by m."userId"

    union all

    -- each reaction is a row
    select unnest(array['reactions', r.source]), r.user_id, r.reactions
    from (
        select 'imageReactions' as source, i."userId" as user_id, count(*) as reactions
        from {{ source_in_postgres('ImageReaction') }} as r
        inner join {{ source_in_postgres('Image') }} as i on r."imageId" = i.id
        group by i."userId"

        union all

        select 'articleReactions', a."userId", count(*)
        from {{ source_in_postgres('ArticleReaction') }} as r
        inner join {{ source_in_postgres('Article') }} as a on r."articleId" = a.id
        where a.id <= {{ landed['article'] }}
        group by a."userId"

        union all

        select 'bountyEntryReactions', e."userId", count(*)
        from {{ source_in_postgres('BountyEntryReaction') }} as r
        inner join {{ source_in_postgres('BountyEntry') }} as e on r."bountyEntryId" = e.id
        where e.id <= {{ landed['bounty_entry'] }}
        group by e."userId"
    ) as r

    union all

    -- tips to images, whose metric is only what they amount to
    select 'tipCount', i."userId", count(*)
    from {{ source_in_postgres('BuzzTip') }}
    inner join {{ source_in_postgres('Image') }} as i on "BuzzTip"."entityId" = i.id
    where "BuzzTip"."entityType" = 'Image' and i.id <= {{ landed['image'] }} and "BuzzTip"."createdAt" <= timestamp '{{ landed['buzz_tip'] }}'
    group by i."userId"

    union all

    select unnest(array['tipCountGiven', 'tipAmountGiven']), g.user_id, unnest(array[count(*), sum(g.amount)])
    from (
        select "fromUserId" as user_id, amount
        from {{ source_in_postgres('BuzzTip') }}
        where "createdAt" <= timestamp '{{ landed['buzz_tip'] }}'

        union all

        select "userId", amount
        from {{ source_in_postgres('Donation') }}
        where id <= {{ landed['donation'] }}
    ) as g
    inner join {{ source_in_postgres('User') }} as u on g.user_id = u.id
    group by g.user_id
)

select name, user_id::bigint as user_id, sum(total)::bigint as total
from counts
where user_id is not null and name not in ('{{ not_compared | join("', '") }}') and {{ in_sample('user_id', var('parity_sample') | float) }}
group by name, user_id
{% endset %}

with side as (
    select
        assumeNotNull(name) as name,
        assumeNotNull(user_id) as user_id,
        assumeNotNull(total) as expected,
        toInt64(0) as actual
    from {{ postgres_query(counts_in_postgres) }}

    union all

    select
        transform(counted.metric_type, ['Download', 'Generation', 'Earned'], ['downloads', 'generations', 'earned'], '') as name,
        assumeNotNull(owner.user_id) as user_id,
        counted.expected_now as expected,
        toInt64(0) as actual
    from {{ graph.nodes['model.' ~ project_name ~ '.expected_application_metrics'].relation_name }} as counted
    inner join (select * from {{ postgres_query(owners_of_models) }}) as owner on counted.entity_id = owner.entity_id
    where counted.entity_type = 'Model'

    union all

    select
        number.1 as name,
        toInt64(userId) as user_id,
        toInt64(0) as expected,
        number.2 as actual
    from {{ ref('user_metrics') }}
    array join [
        {%- for name in user_metric_names() | reject('in', not_compared) %}
        ('{{ name }}', {{ name }}){{ ',' if not loop.last }}
        {%- endfor %}
    ] as number
    where number.2 != 0 and {{ in_sample('userId', var('parity_sample') | float) }}
),

compared as (
    select
        name,
        user_id,
        sum(expected) as in_postgres,
        sum(actual) as in_user_metrics
    from side
    group by name, user_id
)

select
    name as problem,
    countIf(in_postgres != in_user_metrics) as differing,
    countIf(in_postgres != 0 or in_user_metrics != 0) as users,
    argMax(user_id, abs(in_postgres - in_user_metrics)) as worst_user,
    argMax(in_postgres, abs(in_postgres - in_user_metrics)) as postgres_counts,
    argMax(in_user_metrics, abs(in_postgres - in_user_metrics)) as user_metrics_has
from compared
group by name
having differing > 0
order by name
{%- else %}
select 'not built' as problem, 0 as differing, 1 as users where false
{%- endif %}
