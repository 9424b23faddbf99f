"""A benchmark of looking totals up in ClickHouse."""

import os
import random
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from clickhouse_connect.driver import Client

from benchmarks.servers import dbt, new_log, quiet, servers

METRICS = ["ReactionLike", "ReactionHeart", "ReactionLaugh", "ReactionCry", "Comment", "Collection", "Buzz"]
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
# Layouts of the sealed totals: columns and engine, and the rows. The first is in use.
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
def totals(entities: int, events: int) -> Iterator[Client]:
    """Servers with images of 7 metrics each, rolled up and sealed, and so many events of today."""
    with servers() as client:
        event_log = new_log(client, "bench")
        client.command(
            f"insert into {event_log} select 'Image', 1 + number * {STEP}, 1, arrayJoin({METRICS}) as metric, "
            "1 + cityHash64(number, metric) % 2000, toDateTime64('2024-01-01 00:00:00', 3) + number % 2000000 "
            f"from numbers({entities})"
        )
        models = ["logged_events", "path:models/marts/totals", "entity_hashes"]
        dbt("run", "--select", *models, "--vars", f"{{event_log: {event_log}}}")
        client.command(
            f"insert into {event_log} select 'Image', 1 + rand(1) % {entities} * {STEP}, 1, "
            f"{METRICS}[1 + rand(2) % {len(METRICS)}], 1, now64(3) from numbers({events})"
        )
        yield client


@click.command()
@click.option("--entities", type=int, default=5_000_000, show_default=True, help="Images, of 7 metrics each.")
@click.option("--events", type=int, default=100_000, show_default=True, help="Events of today.")
@click.option("--look-ups", type=int, default=200, show_default=True, help="How often 1,000 of them are looked up.")
def lookup(entities: int, events: int, look_ups: int) -> None:
    """Look up all metrics of 1,000 random entities. In the view of totals, and in other layouts."""
    with totals(entities, events) as client:
        quiet(client)
        look_up(client, entities, events, look_ups)


def look_up(client: Client, entities: int, events: int, look_ups: int) -> None:
    """Look so many times up, in each layout, and print how long it takes."""
    lines = []
    view = "select entityId, metricType, total from entity_metric_totals where entityType = 'Image' and {condition}"
    lines.append(("entity_metric_totals, today's events included", 0.0, *looked_up(client, view, entities, look_ups)))
    for name, (definition, rows) in LAYOUTS.items():
        client.command(f"create table bench.layout {definition}")
        client.command(f"insert into bench.layout {rows}")
        of_type = ""
        if "MergeTree" in definition:
            client.command("optimize table bench.layout final")
            of_type = "entityType = 'Image' and "
        size = client.command(
            "select ifNull(sum(total_bytes), 0) from system.tables where database = 'bench' and name = 'layout'"
        )
        taken = looked_up(client, f"select * from bench.layout where {of_type}{{condition}}", entities, look_ups)
        lines.append((name, size / 1e6, *taken))
        client.command("drop table bench.layout sync")
    click.echo(
        f"\n{entities:,} entities, {len(METRICS)} metrics each, {events:,} events of today, {os.cpu_count()} cores\n"
    )
    click.echo(f"{'1,000 entities in ms':<62}{'median':>8}{'p99':>8}{'MB':>8}")
    for name, size, median, p99 in lines:
        click.echo(f"{name:<62}{median:>8.1f}{p99:>8.1f}{f'{size:.0f}' if size else '':>8}")


def looked_up(client: Client, query: str, entities: int, look_ups: int) -> tuple[float, float]:
    """Milliseconds of a look-up: median and 99th percentile. The first few, which fill caches, do not count.

    query: {condition} stands for the one on entityId.
    """
    taken = []
    # Read everything once, so that no look-up waits for the disk.
    client.command(f"select sum(cityHash64(*)) from ({query.format(condition='true')})")
    some = query.format(condition="entityId in {ids:Array(Int64)}")
    for number in range(look_ups + 10):
        ids = [1 + entity * STEP for entity in random.Random(number).sample(range(entities), AT_A_TIME)]
        began = time.monotonic()
        client.raw_query(some, {"ids": ids})
        taken.append((time.monotonic() - began) * 1000)
    counted = sorted(taken[10:])
    return statistics.median(counted), counted[len(counted) * 99 // 100]
