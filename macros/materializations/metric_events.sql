{#
    Publishes a model's events into the event log, each exactly once.

    What the ledger (metric_publications) says is published is looked up in the log and left alone. What is not
    yet published is built in a clone of the log, compared with what the log holds, attached in one step (or
    inserted, where materialized views hang off the log), looked up again and entered in the ledger. A metric's
    window ends at the cutoff of its entity type: live events are never touched or counted.

    In a run that reconciles (see reconciling()), corrections follow: see correct().

    The relation that remains is a view: the log's events of this model's metrics before the cutoff.

    The model: a select made by metric_events(), which also sets meta.metrics.
    Vars: cutoff, cutoffs, event_log, on_conflict, publish_mode.
    --full-refresh changes nothing that is published, unless on_conflict is replace: then the whole history of
    the model's metrics is built anew and replaced where it differs.
#}
{% materialization metric_events, adapter='clickhouse' %}
    {% set lock = acquire_run_lock(this, facts=event_log_facts() ~ ' union all ' ~ publication_facts()) %}
    {% set traits = event_log_traits(lock) %}
    {% set again = should_full_refresh() and var('on_conflict') == 'replace' %}
    {% set windows = publication_windows(config.get('meta').metrics, again, lock) %}
    {% set pending = windows | selectattr('pending') | list %}
    {# What was lost of the history is corrected like everything else when reconciling. #}
    {% set verified = 0 if again or reconciling() else verify_published(windows, traits, lock) %}

    {% if pending and not (reconciling() and var('reconcile_dry_run')) %}
        {% set mode = publish_mode(traits) %}
        {% set clone = run_table(this, 'clone') %}
        {% do build_clone(clone, pending, traits, sql) %}
        {% set resolved = resolve_conflicts(clone, pending, traits, mode, lock) %}
        {% set written = publish(clone, pending, traits, mode, resolved, lock) %}
        {% do log(
            this.identifier ~ ': ' ~ written.events ~ ' events of ' ~ written.metrics ~ ' metrics published (' ~ mode ~ ')'
            ~ (', no event of ' ~ (pending | length - written.metrics) ~ ' others' if written.metrics < pending | length),
            info=true
        ) %}
    {% elif not reconciling() %}
        {% do log(
            this.identifier ~ ': nothing to do; the ' ~ verified ~ ' events of ' ~ windows | length
            ~ ' metrics are published and unchanged in the log',
            info=true
        ) %}
    {% endif %}

    {% if reconciling() %}
        {% do correct(lock, windows, traits, sql) %}
    {% endif %}

    {% call statement('main') %}
        create or replace view {{ this }} as
        select {{ event_columns() }}
        from {{ event_log() }}
        where {{ within_windows(windows, traits.decimals, from_start=true) }}
    {% endcall %}

    {% do persist_docs(this, model) %}
    {% do release_run_lock(lock) %}
    {% do return({'relations': [this.incorporate(type='view')]}) %}
{% endmaterialization %}


{#
    How events reach the log. Attaching copies nothing and is atomic (for each partition of a replicated log), but goes past
    materialized views.
#}
{% macro publish_mode(traits) %}
    {% if var('publish_mode') != 'auto' %}
        {% do return(var('publish_mode')) %}
    {% endif %}
    {% do return('insert' if traits.views else 'attach') %}
{% endmacro %}
