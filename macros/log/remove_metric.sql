{#
    As a run-operation: dbt run-operation remove_metric --args '{metric: Model ThumbsUp}'

    Removes the backfilled events of a metric that has left the catalog. Its live events stay.

    Arguments: metric, entity type and metric type.
    Raises: a compiler error if an events model still has the metric, or nothing of it was ever published.
#}
{% macro remove_metric(metric) %}
    {% do check_command() %}
    {% do require_models_of_the_log() %}
    {% set entity_type, metric_type = (metric.split(' ') + [''])[:2] %}
    {% if metric_type in metric_types_of(entity_type) %}
        {% do exceptions.raise_compiler_error(
            metric ~ ' is a metric of the events models: the next backfill would publish it again. Remove it there, and from the catalog, first.'
        ) %}
    {% endif %}
    {% do acquire_run_lock('run_lock') %}
    {% do create_publications() %}
    {% do replay_unfinished_publications() %}
    {% set windows = published_windows() | selectattr('entity_type', 'equalto', entity_type) | selectattr('metric_type', 'equalto', metric_type) | list %}
    {% if not windows %}
        {% do stop('Nothing of ' ~ metric ~ ' was ever published to ' ~ var('event_log') ~ ', so there is nothing to remove.') %}
    {% endif %}
    {% set backfilled = within_windows(windows, log_decimals()) %}
    {% set events = query_value('select count() from ' ~ event_log() ~ ' where ' ~ backfilled) %}
    {% set traits = event_log_traits() %}
    {% if events and traits.shards %}
        {% do stop(
            'The event log ' ~ var('event_log') ~ ' is Distributed: ' ~ how_many(events, 'event') ~ ' of ' ~ metric ~ ' cannot be deleted through it.'
            ~ ' Nothing was removed. Run this on each shard, then the same command again:\n' ~ delete_on_each_shard(backfilled, traits)
        ) %}
    {% elif events %}
        {% do run_query('delete from ' ~ event_log() ~ ' where ' ~ backfilled) %}
    {% endif %}
    {# A window without length: should the metric come back, it is published from the beginning. #}
    {% call statement('removed') %}
    insert into {{ publications() }} (
        event_log, kind, entity_type, metric_type, window_start, window_end, partition_id, state, publication, invocation_id
    )
    values (
        '{{ var("event_log") }}', 'events', '{{ entity_type }}', '{{ metric_type }}', '{{ beginning_of_time() }}',
        '{{ beginning_of_time() }}', '', 'published', '{{ invocation_id }}', '{{ invocation_id }}'
    )
    {% endcall %}
    {% do release_run_lock('run_lock') %}
    {% do log(metric ~ ': ' ~ how_many(events, 'backfilled event') ~ ' removed from ' ~ var('event_log'), info=true) %}
{% endmacro %}
