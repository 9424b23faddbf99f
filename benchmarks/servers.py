"""Servers of a benchmark's own, below .sandbox/bench."""

import itertools
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from clickhouse_connect.driver import Client

import targets
from sandbox.processes import ports_of_its_own
from targets import REPOSITORY

SANDBOX = REPOSITORY / ".sandbox" / "bench"
TARGET = SANDBOX / "target"
DBT = Path(sys.executable).with_name("dbt")
# Seconds without a merge after which none is expected.
SILENT = 8

_folders = itertools.count()


def run(*command: str | Path, **env: str) -> str:
    """Run a command in the repository. Returns what it prints; its failure ends the benchmark."""
    words = [str(word) for word in command]
    pipe = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    # Ctrl-C reaches the command as well. It is not killed, so that it can clean up.
    with subprocess.Popen(words, cwd=REPOSITORY, env=os.environ | env, **pipe) as process:
        output, _ = process.communicate()
    if process.returncode:
        raise click.ClickException(f"{shlex.join(words)} failed:\n{output}")
    return output


def dbt(*arguments: str | Path, **env: str) -> str:
    """Run dbt; it leaves what it writes in TARGET. Returns what it prints."""
    return run(DBT, "--quiet", *arguments, "--target-path", TARGET, "--log-path", TARGET, **env)


@contextmanager
def servers(*seed: str) -> Iterator[Client]:
    """Servers, filled where options of the seed are given.

    The environment leads to them. Gives a client of ClickHouse in the database of the models. What they hold goes when
    the command ends: some file systems are slow to make files for minutes after many were deleted.
    """
    if (number := next(_folders)) == 0:
        shutil.rmtree(SANDBOX, ignore_errors=True)
        command = click.get_current_context().find_root()
        command.call_on_close(partial(shutil.rmtree, SANDBOX, ignore_errors=True))
    os.environ |= ports_of_its_own() | {"SANDBOX_DIR": str(SANDBOX / f"servers_{number}")}
    cli = [sys.executable, REPOSITORY / "scripts" / "sandbox.py"]
    try:
        run(*cli, "up")
        if seed:
            run(*cli, "seed", *seed)
        os.environ |= dict(word.split("=", 1) for word in shlex.split(run(*cli, "env")) if "=" in word)
        with targets.clickhouse("sandbox") as client:
            yield client
    finally:
        run(*cli, "down")


def quiet(client: Client) -> None:
    """Wait until nothing has been merged for a while: on few cores merges may be half of what something takes."""
    silent = 0
    while silent < SILENT:
        time.sleep(1)
        silent = 0 if client.command("select count() from system.merges") else silent + 1


def new_log(client: Client, database: str) -> str:
    """Make a database with an empty event log. Returns the log's name."""
    event_log = f"{database}.entityMetricEvents"
    client.command(f"create database {database}")
    client.command(f"create table {event_log} as default.entityMetricEvents")
    return event_log
