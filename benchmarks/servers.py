"""Servers of a benchmark's own, below .sandbox/bench."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from clickhouse_connect.driver import Client

import targets
from sandbox.processes import ports_of_its_own
from targets import REPOSITORY

SANDBOX = REPOSITORY / ".sandbox" / "bench"
TARGET = SANDBOX / "target"
DBT = Path(sys.executable).with_name("dbt")


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


def dbt(*arguments: str | Path, **env: str) -> None:
    """Run dbt; it leaves what it writes in TARGET."""
    run(DBT, "--quiet", *arguments, "--target-path", TARGET, "--log-path", TARGET, **env)


@contextmanager
def servers(*seed: str) -> Iterator[Client]:
    """Servers, filled where options of the seed are given; they go with all they hold.

    The environment leads to them. Gives a client of ClickHouse in the database of the models.
    """
    shutil.rmtree(SANDBOX, ignore_errors=True)
    os.environ |= ports_of_its_own() | {"SANDBOX_DIR": str(SANDBOX)}
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
        shutil.rmtree(SANDBOX, ignore_errors=True)


def quiet(client: Client) -> None:
    """Wait until nothing has been merged for a while: on few cores merges may be half of what something takes."""
    silent = 0
    while silent < 8:
        time.sleep(1)
        silent = 0 if client.command("select count() from system.merges") else silent + 1
