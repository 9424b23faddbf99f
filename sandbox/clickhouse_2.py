"""The second node of `up --cluster`: ClickHouse like the first, in a folder of its own."""

from typing import Any

from sandbox import clickhouse, settings
from sandbox.settings import Sandbox

STOP_SIGNAL = clickhouse.STOP_SIGNAL


def start(sandbox: Sandbox, timezone: str, memory_limit: int | None) -> dict[str, Any]:
    """Write the configuration and start the server."""
    return clickhouse.start_node(sandbox, settings.NODES[1], timezone, memory_limit)


def answers(sandbox: Sandbox) -> str:
    """The version, if the server answers."""
    with clickhouse.client(sandbox, timeout=5, node=settings.NODES[1]) as asked:
        return asked.server_version
