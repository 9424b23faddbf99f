#!/usr/bin/env python
"""Push totals from the event log to Redis: metrics of entities, metrics of users, and users' reactions."""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import hashlib
import json
import multiprocessing
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from types import SimpleNamespace as Options
from typing import NamedTuple

import click
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from redis import exceptions as errors

import targets
from project import catalog
from redis_hashes import BATCH, WRITE, Kind, Pair, Patient, batches, clock, compare, evalsha, evicted, settle
from wording import how_many

# Keys of a sample, and how many keys may fail before a push stops.
SAMPLE, MOST_FAILURES = 1_000, 1_000
# Seconds between two lines about progress.
LINE_EVERY = 5
STATE = "metrics:push:state:"
RESUME = "What was pushed is complete; the same command goes on from there."
# ClickHouse waits as long as a push does for Redis.
PATIENT = {"http_send_timeout": targets.PATIENCE, "http_receive_timeout": targets.PATIENCE}


class Stopped(click.ClickException):
    """The push could not go on; what was pushed until then is complete."""

    exit_code = 2


class Part(NamedTuple):
    """Hashes of a kind that are pushed by one query: those up to an id, and how many these are."""

    kind: Kind
    last: int
    keys: int


def push(options: Options, kinds: list[Kind]) -> None:
    """Push hashes, from where the same push was cut off, and put right those that had events meanwhile."""
    source, cache = targets.clickhouse(options.target), Patient(options)
    which = [(kind.name, kind.condition) for kind in kinds]
    job = json.dumps([source.database, which, options.mode, options.ttl, options.ttl_jitter])
    key, now = STATE + hashlib.sha1(job.encode()).hexdigest()[:12], clock(source)
    # The state is in Redis, so that it goes when the keys go. The second pass goes back to since.
    state = {"since": now, "last": {}, "counts": {}} | json.loads(cache.ask(lambda client: client.get(key)) or "{}")
    age = datetime.fromisoformat(now) - datetime.fromisoformat(state["since"])
    if options.restart or age > timedelta(days=1):
        state |= {"last": {}, "counts": {}}
    if state["last"]:
        done = ", ".join(f"{name} {last}" for name, last in state["last"].items())
        click.echo(f"Going on after {done}, in the push that began at {state['since']}")
    cache.ask(lambda client: client.set(key, json.dumps(state)))
    counts, failures, gone = Counter(state["counts"]), [], cache.ask(evicted)
    todo = [part for kind in kinds for part in parts_of(source, kind, options, state["last"].get(kind.name))]
    began, already = time.monotonic(), counts.total()
    report = progress(already + sum(part.keys for part in todo))
    with ExitStack() as stack:
        if options.summary:
            stack.callback(lambda: options.summary.write_text(json.dumps(summary_of(counts))))
        if options.workers == 1:
            pushed = (push_part(options, part, lambda done: report(counts.total() + done)) for part in todo)
        else:
            # Workers ignore a terminal's Ctrl-C, which reaches them too; this process ends them.
            handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
            pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(options.workers))
            signal.signal(signal.SIGINT, handler)
            pushed = pool.imap(partial(push_part, options), todo)
        for part, (of_part, failed) in zip(todo, pushed, strict=True):
            counts, failures = counts + of_part, (failures + failed)[:10]
            if counts["failed"] > MOST_FAILURES:
                raise Stopped("\n".join([f"Stopped: {counts['failed']:,} commands failed. The first:", *failures]))
            state["last"][part.kind.name], state["counts"] = part.last, counts
            cache.ask(lambda client: client.set(key, json.dumps(state)))
            report(counts.total())
    seconds = max(time.monotonic() - began, 0.001)
    click.echo(
        f"{how_many(counts.total(), 'key')} in {seconds:.1f} s ({(counts.total() - already) / seconds:,.0f} a second):"
        f" {counts['written']:,} written, {counts['left']:,} left as they are, {counts['failed']:,} failed"
        f" (target {options.target})"
    )
    unsettled = settle(source, cache, [kind for kind in kinds if kind.entity_type], state["since"], options)
    if (gone := cache.ask(evicted) - gone) > 0:
        unsettled.append(
            f"Redis has evicted {how_many(gone, 'key')} meanwhile: give it more memory (maxmemory), or push fewer."
        )
    cache.ask(lambda client: client.delete(key))
    fail_for([*failures, *unsettled], counts["failed"] + len(unsettled))


def summary_of(counts: Counter) -> dict[str, int]:
    """How many keys were written, left as they are, and failed."""
    return {result: counts[result] for result in ("written", "left", "failed")}


def parts_of(source: Client, kind: Kind, options: Options, after: int | None) -> list[Part]:
    """What is to be pushed beyond an id, in parts that take a minute at most."""
    condition = kind.condition if after is None else f"id > {after} and {kind.condition}"
    size = max(1, min(kind.slice, int((options.max_rate or kind.slice) * 60)))
    found = source.query(
        f"select min(id) as first, max(id), count() from {kind.table} where {condition}"
        f" group by intDiv(id, {size}) order by first"
    )
    return [
        Part(replace(kind, condition=f"id between {first} and {last} and {kind.condition}"), last, keys)
        for first, last, keys in found.result_rows
    ]


def query_of(kind: Kind, mode: str) -> str:
    """The query for keys, each with the names and values of its fields as a JSON array."""
    words = "arrayMap((name, value) -> [toString(name), toString(value)], mapKeys(fields), mapValues(fields))"
    # populate deletes nothing.
    some = " and notEmpty(fields)" if mode == "populate" else ""
    return f"select key, toJSONString(arrayFlatten({words})) from {kind.table} where {kind.condition}{some}"


def push_part(options: Options, part: Part, report: Callable[[int], object] = int) -> tuple[Counter, list[str]]:
    """Push one part. Returns how many keys were written, left and failed, and of the first that failed why."""
    counts, failures, cache, due = Counter(), [], Patient(options), 0.0
    rate, lives, longest = (options.max_rate or 0) / options.workers, (options.ttl or 0) * 1000, 1 + options.ttl_jitter
    settings = PATIENT | {"max_block_size": part.kind.block}
    with (
        closing(targets.clickhouse(options.target)) as source,
        source.query_row_block_stream(
            query_of(part.kind, options.mode), settings=settings, query_formats={"String": "bytes"}
        ) as blocks,
    ):
        for batch in batches(chain.from_iterable(blocks), min(BATCH, max(1, int(rate / 10))) if rate else BATCH):
            # A worker must not outlive its push: it would write old totals.
            if options.pid not in (os.getpid(), os.getppid()):
                sys.exit("The push has ended.")
            calls = [
                evalsha(WRITE, key, options.mode, lives and round(lives * random.uniform(1, longest)), words)
                for key, words in batch
            ]
            for (key, _), answer in zip(batch, cache.pipeline(calls), strict=True):
                counts["failed" if isinstance(answer, Exception) else "written" if answer else "left"] += 1
                if isinstance(answer, Exception) and len(failures) < 10:
                    failures.append(f"{key.decode()}: {answer}")
            report(counts.total())
            if counts["failed"] > MOST_FAILURES:
                break
            if rate:
                due = max(due, time.monotonic()) + len(batch) / rate
                time.sleep(max(0, due - time.monotonic()))
    return counts, failures


def verify(options: Options, kinds: list[Kind]) -> None:
    """Compare hashes with ClickHouse, and name what differs."""
    source, messages = targets.clickhouse(options.target), []
    totals: dict[str, Counter] = {kind.name: Counter() for kind in kinds}
    limit = f" order by rand() limit {SAMPLE}" if options.verify == "sample" else ""

    def groups() -> Iterator[tuple[Kind, list[Pair]]]:
        for kind in kinds:
            query = f"select id, key from {kind.table} where {kind.condition}{limit}"
            with source.query_row_block_stream(query, settings=PATIENT) as blocks:
                for batch in batches(chain.from_iterable(blocks), kind.block):
                    yield kind, batch

    for found in compare(source, Patient(options), groups(), options.writer_lag):
        differing = len(found.off_by) + len(found.faults)
        counts = {"equal": found.equal, "differ": differing, "missing": found.missing, "changing": len(found.unsure)}
        totals[found.kind.name].update(counts)
        messages += found.faults
        for (_, key), fields in found.off_by.items():
            messages.append(f"{key}: " + ", ".join(f"{name} is off by {-value:+}" for name, value in fields.items()))
    for name, counts in totals.items():
        click.echo(
            f"{name}: {how_many(counts['equal'], 'key')} equal, {counts['differ']:,} differ,"
            f" {counts['missing']:,} missing, {counts['changing']:,} changing"
        )
        # refresh makes no keys, so it can miss none.
        if counts["missing"] and options.mode != "refresh":
            are_missing = "is missing" if counts["missing"] == 1 else "are missing"
            messages.append(f"{name}: {how_many(counts['missing'], 'key')} {are_missing}")
    fail_for(messages, len(messages))


def count(options: Options, kinds: list[Kind]) -> None:
    """Say how many keys would be pushed at most."""
    source = targets.clickhouse(options.target)
    which = {"populate": "those that are not there yet", "refresh": "those that are there", "overwrite": "all"}
    for kind in kinds:
        keys = source.command(f"select count() from {kind.table} where {kind.condition}")
        click.echo(f"{kind.name}: at most {how_many(keys, 'key')}; {which[options.mode]} would be written")


def fail_for(messages: list[str], count: int) -> None:
    """Name the first of what is wrong, and exit with 1; nothing where nothing is."""
    for message in messages[:10]:
        click.echo(message, err=True)
    if count > 10:
        click.echo(f"… and {count - 10:,} more", err=True)
    if count:
        sys.exit(1)


def progress(total: int) -> Callable[[int], None]:
    """What is told how many keys are done, and says so now and then."""
    began = told = time.monotonic()

    def report(done: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= LINE_EVERY:
            told, rate = now, max(done, 1) / (now - began)
            click.echo(
                f"{done:,} of {how_many(total, 'key')}, {rate:,.0f} a second, {(total - done) / rate:.0f} s left"
            )

    return report


def run(kinds: list[Kind], ids: str | None, **given: object) -> None:
    """Do what the options say, and turn what goes wrong into one message."""
    options = Options(**given, pid=os.getpid())
    if ids is not None:
        if not all(re.fullmatch(r" *-?[0-9]{1,18} *", number) for number in ids.split(",")):
            raise click.BadParameter(f"{ids!r} is no list such as 1,2,3.", param_hint="--ids")
        kinds = [replace(kind, condition=f"{kind.condition} and id in ({ids})") for kind in kinds]
    where = "Redis"
    try:
        targets.require(options.target, "clickhouse", "redis")
        where = targets.redis_address(options.target)
        click.echo(f"{targets.clickhouse_address(options.target)}; {where}")
        (count if options.dry_run else verify if options.verify else push)(options, kinds)
    except errors.OutOfMemoryError as error:
        advice = "Give it more memory (maxmemory), or push fewer keys or with a --ttl."
        raise Stopped(f"{where} is full: {error}. {advice} {RESUME}") from None
    except errors.RedisError as error:
        raise Stopped(f"{where} cannot be worked with: {error}. {RESUME}") from None
    except ClickHouseError as error:
        raise Stopped(f"{error}\n{RESUME} (The marts are built by dbt build --selector marts.)") from None
    except click.ClickException as error:
        error.exit_code = Stopped.exit_code
        raise


def common(command: Callable) -> Callable:
    """The options of all commands."""
    seconds, options = click.FloatRange(min=0), partial(click.option, show_default=True)
    modes = click.Choice(["populate", "refresh", "overwrite"])
    writes = "Write keys that are not there (populate), only those that are (refresh), or all (overwrite)."
    lives_longer = "Share of the ttl by which some keys live longer, so that not all expire at once."
    compares = f"Push nothing; compare {SAMPLE:,} random keys of each kind, or all, with ClickHouse."
    counted_on = "Seconds after createdAt within which an event is both in the log and added to its key."
    sums_up = "Write how many keys were written, left and failed to this file, as JSON, even if the push stops."
    for option in (
        options(
            "--settle-for", type=seconds, default=60, help="Seconds to wait for entities with new events to settle."
        ),
        options("--writer-lag", type=seconds, default=2, help=counted_on),
        options("--verify", type=click.Choice(["sample", "all"]), help=compares),
        options("--dry-run", is_flag=True, help="Print how many keys this would push at most; write nothing."),
        options("--summary", type=click.Path(dir_okay=False, path_type=Path), help=sums_up),
        options("--restart", is_flag=True, help="Start over instead of resuming a push that was cut off."),
        options("--retry-for", type=seconds, default=60, help="Seconds to wait for a Redis that is gone."),
        options("--workers", type=click.IntRange(min=1), default=1, help="Processes that push in parallel."),
        options("--max-rate", type=click.FloatRange(min=1), help="Maximum keys per second."),
        options("--ttl-jitter", type=click.FloatRange(0, 1), default=0.1, help=lives_longer),
        options("--ttl", type=click.FloatRange(min=0.001), help="Seconds that keys live. Without it, forever."),
        options("--mode", type=modes, default="populate", help=writes),
        options("--ids", help="Push only these ids: 1,2,3."),
        targets.target_option(),
    ):
        command = option(command)
    return command


@click.group()
def main() -> None:
    """Push totals from the event log to Redis.

    The models of models/marts/cache hold a row for each key. Give the same command again to resume a push that was cut
    off.

    Exit code 1: keys failed, differ, were evicted or never settled; the output names them. 2: it could not go on.
    """


def hashes_of(entity_type: str) -> Kind:
    """The hashes of the entities of a type."""
    return Kind(entity_type, "entity_hashes", 100_000, 10_000, f"entityType = '{entity_type}'", entity_type)


@main.command()
@click.option("--entity-type", "entity_types", multiple=True, help="Push only this type, such as Model; repeatable.")
@click.option("--changed-since", help="Push only entities with events since this time (UTC): '2026-01-31 12:00:00'.")
@common
def entities(entity_types: tuple[str, ...], changed_since: str | None, **options: object) -> None:
    """Push metrics of entities. Key entity:metrics:{entityType}:{entityId}: a field for each metric."""
    known = sorted({row["entity_type"] for row in catalog()})
    for entity_type in entity_types:
        if entity_type not in known:
            raise click.BadParameter(f"{entity_type!r} is none of {', '.join(known)}.", param_hint="--entity-type")
    try:
        since = changed_since and datetime.fromisoformat(changed_since)
    except ValueError:
        message = f"{changed_since!r} is no time such as '2026-01-31 12:00:00'."
        raise click.BadParameter(message, param_hint="--changed-since") from None
    kinds = [hashes_of(entity_type) for entity_type in entity_types or known]
    if since:
        utc = (since.astimezone(UTC) if since.tzinfo else since).replace(tzinfo=None).isoformat(" ", "milliseconds")
        kinds = [replace(kind, condition=f"{kind.condition} and id global in ({kind.changed(utc)})") for kind in kinds]
    run(kinds, **options)


@main.command("user-metrics")
@common
def push_user_metrics(**options: object) -> None:
    """Push metrics of users. Key user:metrics:{userId}: a field for each column of user_metrics."""
    # Each query reads whatever users own.
    run([Kind("user metrics", "user_hashes", 1_000_000, 10_000)], **options)


@main.command("user-reactions")
@common
def push_user_reactions(**options: object) -> None:
    """Push the reactions of users to images.

    Key reactions:{userId}: a field for each image, its flags Like 1, Dislike 2, Laugh 4, Cry 8, Heart 16.
    """
    # A user may have reacted to many images.
    run([Kind("user reactions", "reaction_hashes", 20_000, 500)], **options)


if __name__ == "__main__":
    main()
