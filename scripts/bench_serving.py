"""Benchmarks of what is served: looking totals up in ClickHouse, pushing them to Redis, reading them there."""

import gc
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import redis as redis_client

from bench_servers import REPOSITORY, SANDBOX, clickhouse, dbt, quiet, start, stop
from metrics_cache.hashes import RENAME_IF_THERE, Hashes, Mode, Rendering, entity_hashes
from metrics_cache.push import Source, ranges
from metrics_cache.reader import read

METRICS = ["ReactionLike", "ReactionHeart", "ReactionLaugh", "ReactionCry", "Comment", "Collection", "Buzz"]
EVENT_LOG = "bench.entityMetricEvents"
AT_A_TIME = 1_000
# Ids have gaps.
STEP = 3

SMALL_BLOCKS = "min_compress_block_size = 4096, max_compress_block_size = 16384"
ROW = "(entityType LowCardinality(String), entityId Int32, metricType LowCardinality(String), total Int64)"
MAP = "(entityType LowCardinality(String), entityId Int32, totals Map(LowCardinality(String), Int64))"
ROWS = "select entityType, entityId, metricType, total from metrics.entity_metric_sealed"
MAPS = (
    "select entityType, entityId, mapFromArrays(groupArray(metricType), groupArray(total)) "
    "from metrics.entity_metric_sealed group by entityType, entityId"
)
# Other layouts of the sealed totals: columns and engine, and the rows. The first is the one that was chosen.
LAYOUTS = {
    "a row a metric, granules of 512, small blocks": (
        f"{ROW} engine = MergeTree primary key (entityType, entityId) order by (entityType, entityId, metricType) "
        f"settings index_granularity = 512, {SMALL_BLOCKS}",
        ROWS,
    ),
    "a row a metric, granules of 512": (
        f"{ROW} engine = MergeTree order by (entityType, entityId, metricType) settings index_granularity = 512",
        ROWS,
    ),
    "a row a metric, granules of 8192": (
        f"{ROW} engine = MergeTree order by (entityType, entityId, metricType)",
        ROWS,
    ),
    "a row an entity with a map, granules of 256, small blocks": (
        f"{MAP} engine = MergeTree order by (entityType, entityId) settings index_granularity = 256, {SMALL_BLOCKS}",
        MAPS,
    ),
    "a row an entity with a map, granules of 8192": (f"{MAP} engine = MergeTree order by (entityType, entityId)", MAPS),
    "EmbeddedRocksDB, a map by entity": (
        "(entityId Int32, totals Map(LowCardinality(String), Int64)) engine = EmbeddedRocksDB primary key entityId",
        f"select entityId, mapFromArrays(groupArray(metricType), groupArray(total)) from ({ROWS}) group by entityId",
    ),
}


@contextmanager
def totals(entities: int, events: int) -> Iterator[tuple[Source, dict[str, str]]]:
    """Servers with images of 7 metrics each, rolled up and sealed, and so many events of today."""
    env = start() | {"CLICKHOUSE_DATABASE": "metrics"}
    try:
        source = Source(clickhouse(env), "default")
        source.query("create database bench")
        variables = f"{{event_log: {EVENT_LOG}}}"
        dbt("run-operation", "create_event_log", "--vars", variables, env=env)
        source.query(
            f"insert into {EVENT_LOG} select 'Image', 1 + number * {STEP}, 1, arrayJoin({METRICS}) as metric, "
            "1 + cityHash64(number, metric) % 2000, toDateTime64('2024-01-01 00:00:00', 3) + number % 2000000 "
            f"from numbers({entities})"
        )
        dbt("run", "--select", "path:models/marts/totals", "--vars", variables, env=env)
        source.query(
            f"insert into {EVENT_LOG} select 'Image', 1 + rand(1) % {entities} * {STEP}, 1, "
            f"{METRICS}[1 + rand(2) % {len(METRICS)}], 1, now64(3) from numbers({events})"
        )
        quiet(source.server)
        yield Source(source.server, "metrics"), env
    finally:
        stop(env)


@click.command()
@click.option("--entities", type=int, default=5_000_000, show_default=True, help="Images, of 7 metrics each.")
@click.option("--events", type=int, default=100_000, show_default=True, help="Events of today.")
@click.option("--look-ups", type=int, default=200, show_default=True, help="How often 1,000 of them are looked up.")
def lookup(entities: int, events: int, look_ups: int) -> None:
    """Look up all metrics of 1,000 random entities, in the view of totals and in other layouts."""
    lines = []
    with totals(entities, events) as (source, _):
        view = "select entityId, metricType, total from entity_metric_totals where entityType = 'Image' and {condition}"
        lines.append(
            ("entity_metric_totals, today's events included", 0.0, *looked_up(source, view, entities, look_ups))
        )
        for name, (definition, rows) in LAYOUTS.items():
            source.query(f"create table bench.layout {definition}")
            source.query(f"insert into bench.layout {rows}")
            of_type = ""
            if "MergeTree" in definition:
                source.query("optimize table bench.layout final")
                of_type = "entityType = 'Image' and "
            size = source.query(
                "select sum(total_bytes) from system.tables where database = 'bench' and name = 'layout' format TSV"
            )
            taken = looked_up(source, f"select * from bench.layout where {of_type}{{condition}}", entities, look_ups)
            lines.append((name, int(size) / 1e6 if size.strip().isdecimal() else 0.0, *taken))
            source.query("drop table bench.layout sync")
    click.echo(
        f"\n{entities:,} entities, {len(METRICS)} metrics each, {events:,} events of today, {os.cpu_count()} cores\n"
    )
    click.echo(f"{'1,000 entities in ms':<62}{'median':>8}{'p99':>8}{'MB':>8}")
    for name, size, median, p99 in lines:
        click.echo(f"{name:<62}{median:>8.1f}{p99:>8.1f}{f'{size:.0f}' if size else '':>8}")


def looked_up(source: Source, query: str, entities: int, look_ups: int) -> tuple[float, float]:
    """Milliseconds of a look-up: median and 99th percentile. The first few, which fill caches, do not count.

    query: {condition} stands for the one on entityId.
    """
    taken, images = [], entity_hashes("Image", EVENT_LOG)
    # Everything once, so that no look-up waits for what has never been read.
    source.query(f"select sum(cityHash64(*)) from ({query.format(condition='true')}) format Null")
    for number in range(look_ups + 10):
        some = query.format(condition=images.among(some_ids(entities, number)))
        began = time.monotonic()
        source.query(f"{some} format TSV")
        taken.append((time.monotonic() - began) * 1000)
    return median_and_p99(taken[10:])


def some_ids(entities: int, random_seed: int) -> list[int]:
    """Random ids, the same in each run."""
    return [1 + number * STEP for number in random.Random(random_seed).sample(range(entities), AT_A_TIME)]


def median_and_p99(taken: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile."""
    return statistics.median(taken), sorted(taken)[len(taken) * 99 // 100]


@click.command()
@click.option("--entities", type=int, default=1_000_000, show_default=True, help="Images, of 7 metrics each.")
@click.option("--rounds", type=int, default=3, show_default=True, help="How often each is measured; the median counts.")
@click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.POPULATE.value, help="As push_metrics.py."
)
def redis(entities: int, rounds: int, mode: str) -> None:
    """Push entities to Redis, beside the same bytes written raw to the socket; then read 1,000 at a time."""
    with totals(entities, 0) as (source, env):
        hashes, client = entity_hashes("Image", EVENT_LOG), redis_client.Redis.from_url(env["REDIS_URL"])
        rendering = Rendering(Mode(mode), ttl=None, jitter=0, script=client.script_load(RENAME_IF_THERE), cluster=False)
        commands = rendered(source, hashes, rendering)
        empty = client.info("memory")["used_memory"]
        raw, push, peaks = [], [], []
        for _ in range(rounds):
            prepare(env, client, rendering.mode)
            raw.append(entities / raw_seconds(client, commands, answers=entities * (2 + 2 * rendering.commands)))
            prepare(env, client, rendering.mode)
            rate, peak = pushed(env, mode)
            push.append(rate)
            peaks.append(peak)
        keys, memory = client.dbsize(), client.info("memory")["used_memory"] - empty
        taken = []
        # As servers do that mind their slowest answers: Python else goes through all that is imported now and then.
        gc.disable()
        for number in range(210):
            began = time.monotonic()
            read(source.query, client, hashes, some_ids(entities, number))
            taken.append((time.monotonic() - began) * 1000)
        size = commands.stat().st_size
    ratio = statistics.median(push) / statistics.median(raw)
    median, p99 = median_and_p99(taken[10:])
    click.echo(f"\n{entities:,} entities of {len(METRICS)} metrics, --mode {mode}, {os.cpu_count()} cores\n")
    click.echo(f"the same bytes, raw to the socket   {statistics.median(raw):>10,.0f} entities a second")
    click.echo(
        f"scripts/push_metrics.py             {statistics.median(push):>10,.0f} entities a second, {ratio:.2f} of raw"
    )
    click.echo(f"bytes sent                          {size / entities:>10,.0f} an entity")
    click.echo(f"memory in Redis                     {memory / keys:>10,.0f} bytes an entity")
    click.echo(f"memory of the script at its peak    {max(peaks) / 1e6:>10,.0f} MB")
    click.echo(f"1,000 cached entities read in       {median:>10,.1f} ms (median), {p99:.1f} ms (p99)")


def rendered(source: Source, hashes: Hashes, rendering: Rendering) -> Path:
    """A file with all commands, made as a push makes them."""
    file = SANDBOX / "commands"
    with file.open("wb") as out:
        for part in ranges(source, hashes, "true", hashes.at_a_time):
            for piece in source.pieces(rendering.query(hashes, part.condition), threading.Event()):
                out.write(piece)
    return file


def prepare(env: dict[str, str], client: redis_client.Redis, mode: Mode) -> None:
    """Empty Redis; where the mode writes keys that are there, fill it."""
    client.flushall()
    if mode is not Mode.POPULATE:
        pushed(env, Mode.POPULATE.value)


def raw_seconds(client: redis_client.Redis, file: Path, answers: int) -> float:
    """How long Redis takes for the bytes of a file when nobody makes them or looks at its answers."""
    where = client.connection_pool.connection_kwargs
    with socket.create_connection((where["host"], where["port"])) as connection, file.open("rb") as commands:
        began = time.monotonic()
        sending = threading.Thread(target=connection.sendfile, args=(commands,))
        sending.start()
        seen = 0
        while seen < answers:
            received = connection.recv(1 << 18)
            if not received:
                raise click.ClickException("Redis closed the connection.")
            seen += received.count(b"\n")
        sending.join()
        return time.monotonic() - began


def pushed(env: dict[str, str], mode: str) -> tuple[float, int]:
    """Push all images. Returns how many a second by the script's own count, and its memory at the peak in bytes."""
    script = [sys.executable, REPOSITORY / "scripts" / "push_metrics.py"]
    options = ["entities", "--entity-type", "Image", "--event-log", EVENT_LOG, "--mode", mode]
    process = subprocess.Popen([*script, *options], env=env, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(output)
    return float(re.search(r"\(([\d,]+) a second\)", output)[1].replace(",", "")), usage.ru_maxrss * 1024
