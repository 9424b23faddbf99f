"""A benchmark of pushing totals to Redis."""

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
from clickhouse_connect.driver import Client

from benchmarks.looking_up import METRICS, totals
from benchmarks.servers import REPOSITORY, SANDBOX, quiet
from push_metrics import hashes_of, query_of
from redis_hashes import WRITE, connect, evalsha


@click.command()
@click.option("--entities", type=int, default=1_000_000, show_default=True, help="Images, of 7 metrics each.")
@click.option("--rounds", type=int, default=3, show_default=True, help="How often each is measured; the median counts.")
@click.option("--mode", type=click.Choice(["populate", "refresh", "overwrite"]), default="populate", show_default=True)
def redis(entities: int, rounds: int, mode: str) -> None:
    """Push entities to Redis by one process and by two. Beside them, the same bytes go raw to the socket."""
    with totals(entities, 0) as source:
        quiet(source)
        push(source, entities, rounds, mode)


def push(source: Client, entities: int, rounds: int, mode: str) -> None:
    """Push each way so many times, and print how many entities a second that is."""
    client = connect("sandbox")
    commands = rendered(source, client, mode)
    empty = client.info("memory")["used_memory"]
    rates: dict[str, list[float]] = {"raw": [], "1": [], "2": []}
    peaks = []
    for _ in range(rounds):
        for name, taken in rates.items():
            client.flushall()
            if mode != "populate":
                pushed("populate", "1")
            if name == "raw":
                taken.append(entities / raw_seconds(client, commands, answers=entities))
            else:
                rate, peak = pushed(mode, name)
                taken.append(rate)
                peaks.append(peak)
    keys, memory = client.dbsize(), client.info("memory")["used_memory"] - empty
    size = commands.stat().st_size
    raw, one, two = (statistics.median(taken) for taken in rates.values())
    click.echo(f"\n{entities:,} entities of {len(METRICS)} metrics, --mode {mode}, {os.cpu_count()} cores\n")
    click.echo(f"the same bytes, raw to the socket   {raw:>10,.0f} entities a second")
    click.echo(f"scripts/push_metrics.py             {one:>10,.0f} entities a second, {one / raw:.2f} of raw")
    click.echo(f"the same with --workers 2           {two:>10,.0f} entities a second, {two / raw:.2f} of raw")
    click.echo(f"bytes sent                          {size / entities:>10,.0f} an entity")
    click.echo(f"memory in Redis                     {memory / keys:>10,.0f} bytes an entity")
    click.echo(f"memory of the script at its peak    {max(peaks) / 1e6:>10,.0f} MB")


def rendered(source: Client, client: redis_client.Redis, mode: str) -> Path:
    """A file with all commands, as redis-py would send them."""
    connection, file = client.connection_pool.make_connection(), SANDBOX / "commands"
    with (
        file.open("wb") as out,
        source.query_rows_stream(query_of(hashes_of("Image"), mode), query_formats={"String": "bytes"}) as rows,
    ):
        for key, words in rows:
            out.writelines(connection.pack_command(*evalsha(WRITE, key, mode, 0, words)))
    return file


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


def pushed(mode: str, workers: str) -> tuple[float, int]:
    """Push all images. Returns how many a second by the script's own count, and its memory at the peak in bytes."""
    script = [sys.executable, REPOSITORY / "scripts" / "push_metrics.py"]
    options = ["entities", "--entity-type", "Image", "--mode", mode, "--workers", workers]
    process = subprocess.Popen([*script, *options], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(output)
    return float(re.search(r"\(([\d,]+) a second\)", output)[1].replace(",", "")), usage.ru_maxrss * 1024
