{#
    The event log still holds what the ledger says was published of an events model's metrics: as many events, of the
    same sum and hash, in each partition. Rows returned are those of content_differences().

    Arguments:
        model   an events model
#}
{% test published_events_are_in_the_log(model) %}
    {%- set windows = [] %}
    {%- if execute and flags.WHICH in ['test', 'build'] %}
        {%- set metrics = graph.nodes['model.' ~ project_name ~ '.' ~ model.identifier].config.meta.metrics %}
        {%- for row in run_query(
            "select entity_type, metric_type, toString(max(window_end)) from " ~ publications()
            ~ " where event_log = '" ~ var('event_log') ~ "' and state = 'published' and partition_id = ''"
            ~ " and entity_type || ' ' || metric_type in ('" ~ metrics | join("', '") ~ "')"
            ~ " group by entity_type, metric_type"
        ) %}
            {%- do windows.append({'entity_type': row[0], 'metric_type': row[1], 'end': row[2]}) %}
        {%- endfor %}
    {%- endif %}
    {%- if windows %}
        {%- set until_then = where_within_windows(windows, event_log_traits().decimals, from_start=true) %}

    {{ content_differences(published_content(windows), content_of(event_log(), until_then)) }}
    {%- else %}

    select 'nothing is published' where false
    {%- endif %}
{% endtest %}
