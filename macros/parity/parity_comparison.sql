{#
    The entities of an entity type whose events do not add up to what is expected.

    Arguments:
        model          a model expected_*, as its node
        also           a relation with further expected counts; none: there are none
        events         the relation of the events, such as audited_events
        metric_types   the metrics that are compared
    Vars: parity (history: events before the cutoff; present: all), parity_sample, expected_counts.
    Returns: a select of entity_type, metric_type, entity_id, expected, actual and difference ('missing': there is no event;
    'extra': nothing is expected; 'too low'; 'too high').
#}
{% macro parity_comparison(model, also, events, metric_types) %}
    {{- parity_sides(model, also, events, metric_types) }}
    where expected.total != actual.total
{% endmacro %}


{#
    parity_comparison() for the audit of a run, beside a live application. Rows from before the cutoff may change after they are
    landed; the application records that as live events. So a difference counts only if it is larger than what the entity's own
    live events have moved since settle_lag before the landing. PostgreSQL counts first, into a table of this run, and the log is
    read afterwards. An event may reach the log seconds after its row has changed, so an unexplained difference is looked at again
    before it counts.

    Of a metric that is published already, only the new window is compared: rows of the time before may have changed since, which is
    reconcile's to find. So may rows that the window's are joined with, in slices that were not landed again. Therefore entities that
    differ are a warning as long as they are no larger a share of the window's entities than reconcile_limit.
    Arguments (model, also, events, metric_types), vars, returns: as in parity_comparison(); start, of the window.
#}
{% macro audit_comparison(model, also, events, metric_types, start=none) %}
    {% set entity_type = model.config.meta.entity_type %}
    {% set counted = run_table(relation_named(model.name ~ ('_' ~ modules.re.sub('[^0-9]', '', start) if start)), 'scratch') %}
    {% do run_query(
        'create table ' ~ counted ~ ' engine = MergeTree order by (metric_type, entity_id) as ' ~ _expected_side(model, also, metric_types, start)
    ) %}
    {% set since = _landed_since(entity_type) %}
    {% set is_live = query_value('select count() from (select 1 from ' ~ events ~ ' where createdAt >= ' ~ as_logged(utc_literal(since)) ~ ' limit 1)') %}
    {% set comparison -%}
        {{ parity_sides(model, also, events, metric_types, counted, since, start) }}
    where abs(expected.total - actual.total) > actual.moved
    {%- endset %}
    {% for look in range(5 if is_live else 0) %}
        {% if query_value('select count() from (' ~ comparison ~ ')') == 0 %}{% break %}{% endif %}
        {% do run_query('select sleep(2)') %}
    {% endfor %}
    {{ comparison }}
    {%- if start and is_tolerable(
        comparison, entity_type, counted, 'entity_id', 'in the window since ' ~ start,
        'Rows landed earlier have changed since. To bring the log to the present: dbt build --select tag:reconcile'
    ) %}
    and false
    {%- endif %}
{% endmacro %}


{#
    Whether the entities that differ are no larger a share of others than reconcile_limit; one always may. Warns of them, if there are
    any.
    Arguments: comparison, a select of entity_id, metric_type, expected and actual, among others; entity_type; among, a relation of the
    entities whose share they are, and entity, its column; where and why, words about them for the warning.
#}
{% macro is_tolerable(comparison, entity_type, among, entity, where, why) %}
    {% set found = run_query(
        'select uniqExact(entity_id) as entities, max((entity_id, metric_type, expected, actual)) as one from (' ~ comparison ~ ')'
    ).rows[0] %}
    {% set differing = found['entities'] | int %}
    {% set allowed = (query_value('select uniqExact(' ~ entity ~ ') from ' ~ among) * var('reconcile_limit')) | round(0, 'ceil') | int %}
    {% if 0 < differing <= allowed %}
        {% do exceptions.warn(
            how_many(differing, 'entity') ~ ' of ' ~ entity_type ~ (' differs' if differing == 1 else ' differ') ~ ' from what PostgreSQL counts '
            ~ where ~ ', such as (entity, metric, expected, actual) ' ~ found['one'] ~ '. ' ~ why
        ) %}
    {% endif %}
    {% do return(differing <= allowed) %}
{% endmacro %}


{#
    parity_comparison() of the present, beside a live application. PostgreSQL and the log are read at two moments, so a difference counts
    only if it is still there ten seconds later, and the entity has no event within settle_lag.
    Arguments (model, also, events, metric_types), vars, returns: as in parity_comparison().
#}
{% macro present_comparison(model, also, events, metric_types) %}
    {% set comparison = parity_comparison(model, also, events, metric_types) %}
    {% set young -%}
        {{ entities_with_young_events(model.config.meta.entity_type, events) }}
            and not ({{ is_correction(correction_moments()) }})
    {%- endset %}
    {% if query_value('select count() from (' ~ young ~ ')') == 0 %}
        {% do return(comparison) %}
    {% endif %}
    {% set found = entities_that_differ(comparison) %}
    {% if not found %}
    select 'nothing differs' as nothing where false
    {% else %}
        {% do wait_for_the_second_look() %}
    select *
    from (
        {{ comparison | indent(8) }}
    )
    where (metric_type, entity_id) in ({{ found | join(', ') }}) and (metric_type, entity_id) not in ({{ young }})
    {% endif %}
{% endmacro %}


{#
    The first entities of a comparison, for the filter of a second one.
    Arguments: comparison, a select as parity_comparison() returns.
    Returns: a list of tuples (metric_type, entity_id) as SQL.
#}
{% macro entities_that_differ(comparison) %}
    {% do return(query_column('select toString((metric_type, entity_id)) from (' ~ comparison ~ ') limit 10000')) %}
{% endmacro %}


{# Waits ten seconds: by then the log has the events of what PostgreSQL showed. #}
{% macro wait_for_the_second_look() %}
    {% for second in range(10) %}
        {% do run_query('select sleep(1)') %}
    {% endfor %}
{% endmacro %}


{#
    The entities that have an event within settle_lag.
    Arguments: entity_type; events, a relation of events.
    Returns: a select of metric type and entity id, which ends in its where clause.
#}
{% macro entities_with_young_events(entity_type, events) -%}
select toString(metricType), toInt64(entityId)
from {{ events }}
where
    entityType = '{{ entity_type }}'
    and createdAt > now64(3, 'UTC') - toIntervalSecond({{ var('settle_lag') }})
{%- endmacro %}


{#
    When the oldest table was landed that an entity type's events are made from, less the time that a transaction may stay open, but
    not before the cutoff.
#}
{% macro _landed_since(entity_type) %}
    {% set tables = [] %}
    {% for view in events_models() if entity_type in view.config.meta.metrics | map(attribute='entity_type') and not retired_tables_of(view) %}
        {% for unique_id in view.depends_on.nodes %}{% do tables.append(unique_id.split('.')[-1]) %}{% endfor %}
    {% endfor %}
    {% set seen = query_value(
        "select toString(min(toDateTime64(seen, 3, 'UTC')) - toIntervalSecond(" ~ var('settle_lag') ~ ")) from (" ~ latest_landings()
        ~ ") where staging_table in ('" ~ tables | join("', '") ~ "')"
    ) %}
    {% do return([seen, cutoff_of(entity_type)] | max) %}
{% endmacro %}


{#
    parity_comparison() for every entity that has an expected count or events, whether or not the two differ; difference is '' if not. The
    select has no where clause.
    Arguments: model, also, events and metric_types as in parity_comparison(); counted, a table of the expected counts (none:
    PostgreSQL is asked); since, from when on live events are added up as moved (none: they are not); start, of the window.
#}
{% macro parity_sides(model, also, events, metric_types, counted=none, since=none, start=none) %}
    {%- set entity_type = model.config.meta.entity_type -%}
    with expected as (
        {{ 'select * from ' ~ counted if counted else _expected_side(model, also, metric_types) | indent(8) }}
    ),

    actual as (
        select
            toString(metricType) as metric_type,
            toInt64(entityId) as entity_id,
            {%- if since %}
            {%- set is_live = 'createdAt >= ' ~ as_logged(utc_literal(since)) %}
            toInt64(sumIf(metricValue, not ({{ is_live }}))) as total,
            countIf(not ({{ is_live }})) as events,
            toInt64(sumIf(abs(metricValue), {{ is_live }})) as moved
            {%- else %}
            toInt64(sum(metricValue)) as total,
            count() as events
            {%- endif %}
        from {{ events }}
        where
            {{ in_parity_window(entity_type, metric_types, since, start) | indent(12) }}
        group by metric_type, entity_id
    )

    select
        '{{ entity_type }}' as entity_type,
        metric_type,
        entity_id,
        expected.total as expected,
        actual.total as actual,
        multiIf(
            expected.total = actual.total, '',
            actual.events = 0, 'missing',
            expected.total = 0, 'extra',
            actual.total < expected.total, 'too low',
            'too high'
        ) as difference
    from expected
    full outer join actual using (metric_type, entity_id)
{% endmacro %}


{# What the compared metrics of an entity type must add up to. Arguments, vars: as in parity_comparison(); start, of the window. #}
{% macro _expected_side(model, also, metric_types, start=none) -%}
    {%- do check_parity_vars() -%}
    {%- do _require_view(model.name) -%}
select *
from (
    {{ expected_totals(model, also, 'expected_now' if var('parity') == 'present' else 'expected', var('parity_sample') | float, start) | indent(4) }}
)
where metric_type in ('{{ metric_types | join("', '") }}')
{%- endmacro %}


{#
    What the metrics of an entity type must add up to.
    Arguments: model and also, as in parity_comparison(); moment, expected (before the cutoff) or expected_now; sample, the share
    of the entities; start, of a window: only what was created since counts as expected (none: all).
    Returns: a select of metric_type, entity_id and total.
#}
{% macro expected_totals(model, also, moment, sample=1, start=none) -%}
select
    metric_type,
    entity_id,
    {{ moment }} as total
from (
    {{ counts_from_postgres(counts_since(model, start), model.name, sample, start) | indent(4) }}
)
{%- if also %}
union all
select
    metric_type,
    entity_id,
    {{ moment }} as total
from {{ '(' ~ counts_since(graph.nodes['model.' ~ project_name ~ '.' ~ also.identifier], start) ~ ')' if start else also }}
where entity_type = '{{ model.config.meta.entity_type }}' and {{ in_sample('entity_id', sample) }}
{%- endif %}
{%- endmacro %}


{% macro _require_view(name) %}
    {% if var('expected_counts') == 'view' %}
        {% set query -%}
            select count(*) as n from pg_views where schemaname = 'metric_parity' and viewname = '{{ name }}'
        {%- endset %}
        {% if query_value('select n from ' ~ postgres_query(query)) == 0 %}
            {% do exceptions.raise_compiler_error(
                'PostgreSQL has no view metric_parity.' ~ name ~ '. Make it with dbt run --target ' ~ postgres_target('postgres')
                ~ ' --select tag:parity, or set the var expected_counts to query.'
            ) %}
        {% endif %}
    {% endif %}
{% endmacro %}


{#
    The condition for an event to be compared.
    Arguments: entity_type and metric_types, those that are compared; since, from when on live events are read, too; start, of the
    window.
#}
{% macro in_parity_window(entity_type, metric_types, since=none, start=none) -%}
entityType = '{{ entity_type }}'
and metricType in ('{{ metric_types | join("', '") }}')
and {{ in_sample('entityId', var('parity_sample') | float) }}
{%- if start %}
and createdAt >= {{ as_logged(utc_literal(start)) }}
{%- endif %}
{%- if var('parity') == 'history' %}
and (createdAt < {{ utc_literal(truncated(cutoff_of(entity_type), log_decimals())) }}{{ ' or createdAt >= ' ~ as_logged(utc_literal(since)) if since }})
{%- endif %}
{%- endmacro %}


{#
    The windows of an entity type (entity_type) that this run answers for. dbt build answers for what is due: earlier history may
    have drifted; dbt test, for all history. Metrics that the log alone counts are left out.
    Returns: a list of dicts start (none: all history) and metric_types.
#}
{% macro audited_windows(entity_type) %}
    {% set compared, windows = compared_metric_types(entity_type), [] %}
    {% if flags.WHICH != 'build' %}
        {% do return([{'start': none, 'metric_types': compared}] if compared else []) %}
    {% endif %}
    {% for due_from, due in query_dicts(
        'select metric_type, toString(due_from) as due_from from (' ~ due_windows() ~ ") where entity_type = '" ~ entity_type ~ "' order by 1"
    ) | groupby('due_from') %}
        {% set metric_types = due | map(attribute='metric_type') | select('in', compared) | list %}
        {% if metric_types %}
            {% do windows.append({'start': none if due_from == beginning_of_time() else due_from, 'metric_types': metric_types}) %}
        {% endif %}
    {% endfor %}
    {% do return(windows) %}
{% endmacro %}


{# The metrics of an entity type (entity_type) whose whole history this run answers for; see audited_windows(). #}
{% macro audited_metric_types(entity_type) %}
    {% do return(audited_windows(entity_type) | rejectattr('start') | map(attribute='metric_types') | sum(start=[])) %}
{% endmacro %}


{#
    Checks the vars of parity.
    Raises: a compiler error that names the var, its value and what is allowed.
#}
{% macro check_parity_vars() %}
    {% do require_one_of('parity', ['history', 'present']) %}
    {% do require_one_of('expected_counts', ['query', 'view']) %}
    {% set sample = var('parity_sample') %}
    {% do require_var('parity_sample', sample is number and 0 < sample <= 1, 'be a share of the entities above 0 and at most 1, as in 0.01') %}
    {% set percent = var('legacy_error_percent') %}
    {% do require_var('legacy_error_percent', percent is number and 0 <= percent <= 100, 'be a percentage from 0 to 100') %}
{% endmacro %}
