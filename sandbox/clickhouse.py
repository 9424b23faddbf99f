"""ClickHouse in the sandbox: its configuration, its start, its databases."""

import hashlib
import os
import re
import signal
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from sandbox import processes, settings
from sandbox.settings import HOST, Sandbox

if TYPE_CHECKING:
    from clickhouse_connect.driver import Client

# A user who has just the grants that dbt needs; the password is the other user's.
DBT_USER = "metrics_dbt"
GRANTS = settings.REPOSITORY / "scripts" / "clickhouse_grants.sql"
SHARD_GRANTS = settings.REPOSITORY / "scripts" / "clickhouse_shard_grants.sql"
SOURCE = Path(__file__).with_name("clickhouse_source.sql")
STOP_SIGNAL = signal.SIGTERM

# `default_database` names the database that the engine insists on giving a file system overlay of its own;
# under another name than `default`, `default` is an ordinary Atomic database, as on a server.
# Merges leave room for queries on a laptop: one thread for every two cores, and nice. Many tasks may be begun, since a
# mutation is one for each part, and the engine looks again only after most of a second once the limit is reached. The
# smallest goes first, since attaching partitions cancels merges.
CONFIG = """<clickhouse>
    <listen_host>{host}</listen_host>
    <http_port>{port}</http_port>
    <display_name>sandbox</display_name>
    <default_database>_engine</default_database>
    <users_config>users.xml</users_config>
    <log-level>warning</log-level>
    <logger><console>1</console></logger>
    <background_pool_size>{merges}</background_pool_size>
    <background_merges_mutations_concurrency_ratio>{begun_per_thread}</background_merges_mutations_concurrency_ratio>
    <background_merges_mutations_scheduling_policy>shortest_task_first</background_merges_mutations_scheduling_policy>
    <os_threads_nice_value_merge_mutate>19</os_threads_nice_value_merge_mutate>
    <merge_tree>
        <number_of_free_entries_in_pool_to_lower_max_size_of_merge>0</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
        <number_of_free_entries_in_pool_to_execute_mutation>0</number_of_free_entries_in_pool_to_execute_mutation>
        <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>0</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
    </merge_tree>
    {memory}
    {cluster}
</clickhouse>
"""

# Nodes pass on the user who asks, so that each judges by its own grants. The others take the same nodes for
# replicas, which no event log may lie on: they are written to one by one, or do not replicate.
CLUSTER = """<tcp_port>{native_port}</tcp_port>
    <remote_servers>
        <{name}><secret>{name}</secret>{shards}</{name}>
        <{name}_replicas><secret>{name}</secret><shard>{replicas}</shard></{name}_replicas>
        <{name}_copies>
            <secret>{name}</secret>
            <shard><internal_replication>true</internal_replication>{replicas}</shard>
        </{name}_copies>
    </remote_servers>
    <macros><cluster>{name}</cluster></macros>"""
REPLICA = "<replica><host>{host}</host><port>{port}</port></replica>"

# The engine logs in as `default` without a password, by a name that is fixed in its code. It holds the only session
# that this user may have, so nobody else gets in that way. Three of the settings undo what chDB changes for scripts.
# The fourth saves few cores from handing the parts' indexes to threads.
USERS = """<clickhouse>
    <profiles>
        <default>
            <implicit_select>0</implicit_select>
            <allow_introspection_functions>0</allow_introspection_functions>
            <storage_file_read_method>pread</storage_file_read_method>
            <max_threads_for_indexes>1</max_threads_for_indexes>
        </default>
        <engine><max_sessions_for_user>1</max_sessions_for_user></engine>
    </profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <password/>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>engine</profile>
            <quota>default</quota>
        </default>
        <{user}>
            <password_sha256_hex>{password}</password_sha256_hex>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <default_database>default</default_database>
            <access_management>1</access_management>
            <named_collection_control>1</named_collection_control>
            <show_named_collections>1</show_named_collections>
        </{user}>
        <{dbt_user}>
            <password_sha256_hex>{password}</password_sha256_hex>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <default_database>default</default_database>
            <grants>
{grants}
            </grants>
        </{dbt_user}>
    </users>
</clickhouse>
"""


def client(sandbox: Sandbox, timeout: float = 3600, node: str = settings.NODES[0]) -> "Client":
    """A client of a server of this sandbox."""
    # Late: importing ClickHouse's client takes longer than a command that does without it.
    from targets import connect

    login = settings.clickhouse(sandbox) | {"port": sandbox.ports[node], "schema": "default"}
    return connect(login, patience=timeout)


def start(sandbox: Sandbox, timezone: str, memory_limit: int | None) -> dict[str, Any]:
    """Write the configuration and start the server that dbt speaks to."""
    return start_node(sandbox, settings.NODES[0], timezone, memory_limit)


def start_node(sandbox: Sandbox, name: str, timezone: str, memory_limit: int | None) -> dict[str, Any]:
    """Start one server, alone or as a node of the cluster."""
    folder = sandbox.directory / name
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    memory = f"<max_server_memory_usage>{memory_limit}</max_server_memory_usage>" if memory_limit else ""
    cluster, protocols = "", ["http"]
    if sandbox.native_ports:
        replicas = [REPLICA.format(host=HOST, port=port) for port in sandbox.native_ports.values()]
        cluster = CLUSTER.format(
            native_port=sandbox.native_ports[name],
            name=settings.CLUSTER,
            shards="".join(f"<shard>{replica}</shard>" for replica in replicas),
            replicas="".join(replicas),
        )
        protocols.append("tcp")
    merges = max((os.cpu_count() or 1) // 2, 1)
    (config / "config.xml").write_text(
        CONFIG.format(
            host=HOST,
            port=sandbox.ports[name],
            merges=merges,
            begun_per_thread=max(32 // merges, 2),
            memory=memory,
            cluster=cluster,
        )
    )
    password = hashlib.sha256(settings.CLICKHOUSE_PASSWORD.encode()).hexdigest()
    files = [GRANTS, SHARD_GRANTS] if sandbox.native_ports else [GRANTS]
    granted = chain.from_iterable(statements(file.read_text()) for file in files)
    # In this file a grant does not name its user.
    queries = (" ".join(grant.split()).removesuffix(f" to {DBT_USER}") for grant in granted)
    grants = "\n".join(f"                <query>{escape(query)}</query>" for query in queries)
    users = USERS.format(user=settings.CLICKHOUSE_USER, password=password, dbt_user=DBT_USER, grants=grants)
    (config / "users.xml").write_text(users)
    # The engine also reads a configuration in HOME, and writes to TMPDIR.
    environment = os.environ | {"TZ": timezone, "HOME": str(config), "TMPDIR": str(folder)}
    return processes.spawn(
        [sys.executable, Path(__file__).with_name("clickhouse_server.py"), config, folder / "data", *protocols],
        log=sandbox.logs / f"{name}.log",
        directory=folder,
        environment=environment,
    )


def answers(sandbox: Sandbox) -> str:
    """The version, if the server answers."""
    with client(sandbox, timeout=5) as asked:
        return asked.server_version


def set_up(asked: "Client") -> None:
    """Create the application's databases and tables, and the database that models are built in, where absent."""
    for database in ("orchestration", settings.CLICKHOUSE_DATABASE):
        asked.command(f"create database if not exists {database}")
    for statement in statements(SOURCE.read_text()):
        asked.command(re.sub(r"^create table ", "create table if not exists ", statement))


def empty_models(asked: "Client") -> None:
    """Drop what dbt has built: models and a ledger of sources that are about to be replaced would contradict them."""
    for suffix in ("", "_postgres", "_failures"):
        asked.command(f"drop database if exists {settings.CLICKHOUSE_DATABASE}{suffix} sync")
    set_up(asked)


def statements(script: str) -> list[str]:
    """The statements of a script whose comments stand on lines of their own."""
    text = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    return [statement.strip() for statement in text.split(";") if statement.strip()]
