"""Start servers that outlive the command, recognise them later, and stop them and nothing else."""

import fcntl
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import psutil

from sandbox.settings import DEFAULT_PORTS, HOST

State = dict[str, dict[str, Any]]

# A clock correction shifts start times, which psutil derives from the boot time. No pid is reused that fast.
START_TIME_TOLERANCE = 2.0

# Ports that the system takes for outgoing connections. The default is Linux's; other systems begin higher.
EPHEMERAL_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
FIRST_EPHEMERAL_PORT = 32768


def read_state(directory: Path) -> State:
    """What `up` has started, by server: pid, start time, port."""
    path = directory / "state.json"
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        raise click.ClickException(
            f"{path} is damaged ({error}). Stop its servers by hand, then delete the file."
        ) from error


def write_state(directory: Path, state: State) -> None:
    """Remember what runs."""
    replace(directory / "state.json", json.dumps(state, indent=2) + "\n")


def replace(file: Path, text: str) -> None:
    """Write a file in one step: whoever reads it, or is left with it, has the old text or the new one."""
    scratch = file.with_name(f"{file.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(file)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Let one command at a time change this sandbox."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def find(record: Mapping[str, Any] | None) -> psutil.Process | None:
    """The recorded process if it still runs; a recycled pid has another start time and is not ours."""
    if not record:
        return None
    try:
        process = psutil.Process(record["pid"])
        same = abs(process.create_time() - record["started"]) < START_TIME_TOLERANCE
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait: a server that is started is on record as well."""
    came = []
    handler = signal.signal(signal.SIGINT, lambda *_: came.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(signal.SIGINT)


def spawn(
    command: Sequence[str],
    log: Path,
    directory: Path,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Start a server in a session of its own, so that closing the terminal or ending the command leaves it alone."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return {"pid": process.pid, "started": psutil.Process(process.pid).create_time()}


def stop(record: Mapping[str, Any], how: signal.Signals) -> None:
    """Ask the recorded process to end, and end it if it does not within 20 seconds."""
    for number, patience in ((how, 20.0), (signal.SIGKILL, 5.0)):
        process = find(record)
        if process is None:
            return
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return
        # Not process.wait(): an ended process may stay a zombie for long.
        deadline = time.monotonic() + patience
        while find(record) and time.monotonic() < deadline:
            time.sleep(0.02)


def kill_leftovers(name: str, working_directory: Path) -> None:
    """End the children of a killed server: they hold its data, bear its name and work in a folder that is its alone."""
    leftovers = []
    for process in psutil.process_iter():
        try:
            if process.name() == name and process.cwd() == str(working_directory):
                process.kill()
                leftovers.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):
            # FileNotFoundError: the process is just ending, and has no working folder any more.
            continue
    deadline = time.monotonic() + 5
    while any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in leftovers):
        if time.monotonic() > deadline:
            raise click.ClickException(f"{name} processes in {working_directory} cannot be ended: {leftovers}")
        time.sleep(0.02)


def port_is_free(port: int) -> bool:
    """Whether a server could listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port is free although its last connection was closed just now.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Find ports that no server listens on and no outgoing connection takes before a server does."""
    try:
        end = int(EPHEMERAL_PORTS.read_text().split()[0])
    except FileNotFoundError:
        end = FIRST_EPHEMERAL_PORT
    start = 10_000
    if end - start < 1_000:
        # Too few are left; the system's own range is as good as any other.
        start, end = end, 60_000
    drawn = random.sample(range(start, end), 100)
    ports = [port for port in drawn if port not in DEFAULT_PORTS.values() and port_is_free(port)]
    if len(ports) < count:
        raise click.ClickException(f"Of a hundred ports of {HOST}, tried at random, only {len(ports)} could be had.")
    return ports[:count]


def ports_of_its_own() -> dict[str, str]:
    """The variables that give a sandbox free ports, so that a running one is left alone."""
    ports = zip(DEFAULT_PORTS, free_ports(len(DEFAULT_PORTS)), strict=True)
    return {f"SANDBOX_{server.upper()}_PORT": str(port) for server, port in ports}


def wait_until_ready(
    server: str, record: Mapping[str, Any], ready: Callable[[], object], log: Path, seconds: float = 60
) -> None:
    """Wait until the server answers; show the end of its log if it dies or stays silent."""
    deadline = time.monotonic() + seconds
    problem: Exception | None = None
    while time.monotonic() < deadline:
        # A dead child stays a zombie until its parent waits for it.
        with suppress(ChildProcessError):
            os.waitpid(record["pid"], os.WNOHANG)
        if find(record) is None:
            raise click.ClickException(f"{server} ended right after its start. The end of {log}:\n{tail(log)}")
        try:
            ready()
            # Another program may have taken the port and answered.
            if find(record):
                return
        except Exception as error:
            # Any error of any client means "not yet".
            problem = error
            time.sleep(0.05)
    raise click.ClickException(
        f"{server} does not answer after {seconds:.0f} s ({problem}). The end of {log}:\n{tail(log)}"
    )


def tail(log: Path) -> str:
    """The end of a log, for an error message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) or "(empty)"
