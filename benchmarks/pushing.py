"""A benchmark of pushing totals to Redis, and of reading them there."""

import gc
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import click
import redis as redis_client

from benchmarks.looking_up import EVENT_LOG, METRICS, median_and_p99, some_ids, totals
from benchmarks.servers import REPOSITORY, SANDBOX
from metrics_cache.hashes import RENAME_IF_THERE, Hashes, Mode, Rendering, entity_hashes
from metrics_cache.push import Source, ranges
from metrics_cache.reader import read


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
