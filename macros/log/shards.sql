{#
    A log over several shards is a Distributed table: its events lie in a table on each shard of a cluster. They are inserted
    through it, and counted and added up by the shards. No run deletes any: ClickHouse cannot delete through a Distributed table.
#}


{#
    The nodes of a Distributed log, and their tables.
    Arguments: engine_full, of system.tables.
    Returns: a dict of cluster, table ('database.table' on each node), sharding_key (with what follows it in the engine's
    arguments; none: there is none) and nodes, dicts of shard, node ('host:port'), internal_replication, engine ('': the table is
    missing), engine_full, columns_ddl, columns (name, type and default_kind), views and timezone. None, if the log is over no cluster.
    Raises: a compiler error that names the nodes that do not answer; or if this user's queries leave out such shards.
#}
{% macro shards_of(engine_full) %}
    {% set found = modules.re.match("Distributed[(]'([^']*)', '([^']*)', '([^']*)'(?:, (.*?))?[)](?: SETTINGS |$)", engine_full) %}
    {% if not found %}
        {% do return(none) %}
    {% endif %}
    {% set cluster = namespace(name=found.group(1)) %}
    {% for macro in modules.re.findall('[{]([^}]*)[}]', cluster.name) %}
        {% set cluster.name = cluster.name | replace('{' ~ macro ~ '}', query_value("select getMacro('" ~ macro ~ "')")) %}
    {% endfor %}
    {% set nodes = query_dicts(_nodes_query(cluster.name, found.group(2), found.group(3))) %}
    {% set silent = nodes | rejectattr('answers') | list %}
    {% if silent %}
        {% do stop(
            'The event log ' ~ var('event_log') ~ ' cannot be read whole: of its cluster ' ~ cluster.name ~ ' these nodes do not answer: '
            ~ _named(silent) ~ '. Nothing was changed. Bring them back, then run the command again.'
        ) %}
    {% endif %}
    {% if query_value("select toUInt8(getSetting('skip_unavailable_shards'))") %}
        {% do stop(
            'The setting skip_unavailable_shards is on for the ClickHouse user ' ~ target.user ~ ': what it reads of the event log '
            ~ var('event_log') ~ ' may lack the events of a shard. Nothing was changed. Turn it off in profiles.yml and for this user.'
        ) %}
    {% endif %}
    {% do return({
        'cluster': cluster.name, 'table': found.group(2) ~ '.' ~ found.group(3), 'sharding_key': found.group(4), 'nodes': nodes
    }) %}
{% endmacro %}


{# All nodes of the cluster, replicas included: those that do not answer have no row of their own. #}
{% macro _nodes_query(cluster, database, table) %}
    select
        node.shard_num as shard,
        node.host_name || ':' || toString(node.port) as node,
        node.internal_replication as internal_replication,
        answer.number > 0 as answers,
        answer.engine as engine,
        answer.engine_full as engine_full,
        answer.columns_ddl as columns_ddl,
        toJSONString(answer.columns) as columns,
        answer.views as views,
        answer.timezone as timezone
    from (
        select *, row_number() over (order by shard_num, replica_num) as number
        from system.clusters
        where cluster = '{{ cluster }}'
    ) as node
    left join (
        select toUInt64(_shard_num) as number, *
        from clusterAllReplicas('{{ cluster }}', view(
            select
                log.engine as engine,
                log.engine_full as engine_full,
                splitByString(' ENGINE = ', log.create_table_query)[1] as columns_ddl,
                arrayStringConcat(arrayMap((d, t) -> d || '.' || t, log.dependencies_database, log.dependencies_table), ' ') as views,
                of_log.columns as columns,
                serverTimezone() as timezone
            from system.one
            left join (select * from system.tables where database = '{{ database }}' and name = '{{ table }}') as log on true
            left join (
                select groupArray((name, type, default_kind)) as columns
                from system.columns
                where database = '{{ database }}' and table = '{{ table }}'
            ) as of_log on true
        ))
        settings skip_unavailable_shards = 1
    ) as answer on node.number = answer.number
    order by node.number
{% endmacro %}


{#
    What a Distributed log's tables have in common, for event_log_traits().
    Arguments: traits, with engine_full of the log itself.
    Returns: a dict of shards, and of the first table engine, engine_full and columns_ddl; views, of all nodes; surplus, columns
    that no event fills.
#}
{% macro traits_of_shards(traits) %}
    {% set shards = shards_of(traits.engine_full) %}
    {% if not shards %}
        {% do return({}) %}
    {% endif %}
    {% set views, surplus = [] + traits.views, [] + traits.surplus %}
    {% for node in shards.nodes %}
        {% do node.update({'columns': fromjson(node.columns)}) %}
        {% for view in node.views.split() %}
            {% do views.append(view ~ ' on ' ~ node.node) %}
        {% endfor %}
        {% for name, type, default_kind in node.columns if name not in event_columns().split(', ') and default_kind == '' %}
            {% do surplus.append(name) if name not in surplus %}
        {% endfor %}
    {% endfor %}
    {% set first = shards.nodes[0] %}
    {% do return({
        'shards': shards, 'engine': first.engine, 'engine_full': first.engine_full, 'columns_ddl': first.columns_ddl,
        'views': views, 'surplus': surplus, 'skips_shards': 'skip_unavailable_shards = 1' in traits.engine_full
    }) %}
{% endmacro %}


{#
    What is wrong with the tables of a Distributed log.
    Arguments: traits, of event_log_traits().
    Returns: a list of texts.
#}
{% macro faults_of_shards(traits) %}
    {% set faults, nodes = [], traits.shards.nodes %}
    {% if traits.skips_shards %}
        {% do faults.append('it is set to skip_unavailable_shards, and would be read without the events of a shard that is down') %}
    {% endif %}
    {% if not traits.shards.sharding_key and nodes | map(attribute='shard') | unique | list | length > 1 %}
        {% do faults.append('it has no sharding key, by which inserted events find their shard') %}
    {% endif %}
    {% for node in nodes if node.engine == '' %}
        {% do faults.append('the node ' ~ node.node ~ ' has no table ' ~ traits.shards.table ~ ' that this user may see') %}
    {% endfor %}
    {% for node in nodes[1:] if node.engine and nodes[0].engine and _alike(node) != _alike(nodes[0]) %}
        {% do faults.append(
            'its tables differ: ' ~ traits.shards.table ~ ' is ' ~ _alike(nodes[0]) ~ ' on ' ~ nodes[0].node ~ ', and ' ~ _alike(node) ~ ' on ' ~ node.node
        ) %}
    {% endfor %}
    {% for name, type, default_kind in nodes[0].columns if name in traits.types and traits.types[name] != type %}
        {% do faults.append('its column ' ~ name ~ ' is ' ~ traits.types[name] ~ ', but ' ~ type ~ ' in ' ~ traits.shards.table) %}
    {% endfor %}
    {% for shard, replicas in nodes | groupby('shard') if replicas | length > 1 %}
        {% if not replicas[0].internal_replication %}
            {% do faults.append('it writes events to each replica of shard ' ~ shard ~ ' by itself: set internal_replication in the cluster ' ~ traits.shards.cluster) %}
        {% elif replicas | map(attribute='engine') | select('equalto', 'MergeTree') | list %}
            {% do faults.append('the replicas of shard ' ~ shard ~ ' do not replicate ' ~ traits.shards.table ~ ', which is a plain MergeTree') %}
        {% endif %}
    {% endfor %}
    {% do return(faults) %}
{% endmacro %}


{# What must be the same on all nodes, as text: a partition or a hash means the same events everywhere. #}
{% macro _alike(node) -%}
    {%- set columns = [] -%}
    {%- for name, type, default_kind in node.columns -%}{%- do columns.append(name ~ ' ' ~ type) -%}{%- endfor -%}
    {{- return(as_plain_engine(node.engine_full) ~ ' of ' ~ columns | join(', ') ~ ', in the time zone ' ~ node.timezone) -}}
{%- endmacro %}


{# Nodes as text. Arguments: nodes, of shards_of(). #}
{% macro _named(nodes) %}
    {% set names = [] %}
    {% for node in nodes %}
        {% do names.append(node.node ~ ' (shard ' ~ node.shard ~ ')') %}
    {% endfor %}
    {% do return(names | join(', ')) %}
{% endmacro %}


{#
    Waits until no shard is at an insert of a publication that a dead run, or a dead server, has begun. A shard that has been sent
    events may go on writing them for a moment after whoever sent them is gone.
    Arguments: publication, of _complete_publication(); traits, of event_log_traits().
    Raises: a compiler error after ten minutes, twice as long as ClickHouse waits for a silent sender.
#}
{% macro wait_for_inserts_on_shards(publication, traits) %}
    {% set at_work -%}
        select count() + sleep(0.25)
        from clusterAllReplicas('{{ traits.shards.cluster }}', system.processes)
        where Settings['log_comment'] = '{{ mark_of_insert(publication) }}'
    {%- endset %}
    {% for look in range(2400) %}
        {% if query_value(at_work) == 0 %}
            {% do return(none) %}
        {% endif %}
    {% endfor %}
    {% do stop(
        'A shard of the event log ' ~ var('event_log') ~ ' is still at an insert of the publication ' ~ publication.publication
        ~ ' that a dead run has left. Nothing was changed; run the command again later.'
    ) %}
{% endmacro %}


{# What the shards know an insert by: they do not see the statement that it comes from. Arguments: publication. #}
{% macro mark_of_insert(publication) -%}
    {{- return('publication ' ~ publication.publication) -}}
{%- endmacro %}


{#
    The statement that a person runs on each shard, since no run deletes through a Distributed log.
    Arguments: condition, for the events; traits, of event_log_traits().
#}
{% macro delete_on_each_shard(condition, traits) -%}
    {{- return('delete from ' ~ traits.shards.table ~ ' where ' ~ condition.split() | join(' ') ~ ';') -}}
{%- endmacro %}
