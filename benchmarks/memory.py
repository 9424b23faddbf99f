"""The benchmark of memory: every job with its tests, while no statement may use more than so much."""

import json
import os
import resource
import time
from pathlib import Path

import click
import yaml

from benchmarks.jobs import BACKFILL, ONE_DAY, RECONCILE, owner, with_cutoffs
from benchmarks.servers import dbt, servers

# The seed without live events is not what the legacy tables count.
BUILD = ["build", "--exclude", "test_type:unit", "test_name:legacy_parity", "--select", "tag:backfill"]
JOBS = {
    BACKFILL: BUILD,
    ONE_DAY: BUILD,
    RECONCILE: ["build", "--exclude", "test_type:unit", "--select", "tag:reconcile"],
    "marts": ["build", "--exclude", "test_type:unit", "--selector", "marts"],
}


@click.command()
@click.option(
    "--scale",
    type=click.FloatRange(min=0, min_open=True),
    default=40,
    show_default=True,
    help="Of the seed: 1 is a million source rows.",
)
@click.option("--limit", type=click.IntRange(1), default=1500, show_default=True, help="MB that a statement may use.")
def memory(scale: float, limit: int) -> None:
    """Run every job with its tests within a limit of memory.

    It holds for each statement of ClickHouse. Half of it is where groups go to disk, a fifth where joins do. A
    statement that needs more ends the benchmark.
    """
    with servers("--scale", str(scale), "--no-catalog", "--no-live-events"):
        bound_memory(limit * 1_000_000)
        for job, command, cutoff in with_cutoffs(JOBS):
            if job == RECONCILE:
                take_away()
            given = {"live_events": False, "settle_lag": 0, "cutoff": cutoff}
            began = time.monotonic()
            dbt(*command, "--vars", json.dumps(given))
            click.echo(f"{job:<16}{time.monotonic() - began:>8.1f} s")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    click.echo(f"\nNo statement used more than {limit} MB, nor dbt or the seed more than {peak:.0f} MB.")


def bound_memory(limit: int) -> None:
    """Have the sandbox's profile say what a statement may use, in bytes."""
    file = Path(os.environ["SANDBOX_DIR"]) / "profiles.yml"
    profiles = yaml.safe_load(file.read_text())
    profiles["entity_metrics"]["outputs"]["sandbox"]["custom_settings"] = {
        "max_memory_usage": limit,
        "max_bytes_before_external_group_by": limit // 2,
        "max_bytes_before_external_join": limit // 5,
    }
    file.write_text(yaml.safe_dump(profiles))


def take_away() -> None:
    """Let one of two thousand reactions to images go, so that reconcile has thousands of entities to correct."""
    with owner() as cursor:
        cursor.execute('delete from "ImageReaction" where id % 2000 = 0')
