{#
    The event log still holds what the ledger says was published of an events model's metrics: as many events, of the
    same sum and hash, in each partition. Rows returned are those of content_differences().

    Arguments:
        model   an events model
#}
{% test published_events_are_in_the_log(model) %}
    {%- set windows = [] %}
    {%- if execute %}
        {%- set metrics = graph.nodes['model.' ~ project_name ~ '.' ~ model.identifier].config.meta.metrics %}
        {%- set windows = publication_windows(metrics, false, none) | selectattr('published_until') | list %}
    {%- endif %}
    {%- if windows %}
        {%- set published_in_log = within_windows(
            windows, event_log_traits(none).decimals, until='published_until', from_start=true
        ) %}

    {{ content_differences(published_content(windows), content_of(event_log(), published_in_log)) }}
    {%- else %}

    select 'nothing is published' where false
    {%- endif %}
{% endtest %}
