#!/usr/bin/env python
"""Push what the event log adds up to into Redis: the metrics of entities, of users, and users' reactions."""

import csv
import hashlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import click
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from connect_postgres import clickhouse_from_environment, environment
from metrics_cache.compare import NotACount, compare, now, settle
from metrics_cache.hashes import Hashes, Mode, entity_hashes, user_metrics, user_reactions
from metrics_cache.pipe import Client, Counts, OutOfMemory, Unavailable
from metrics_cache.push import Manner, Range, Source, TooManyFailures, push, ranges
from sandbox_lib import settings
from sandbox_lib.clickhouse_http import ClickHouseError

# Seconds between two lines about progress where nobody watches a bar.
LINE_EVERY = 5
SAMPLE = 1_000
STATE = "metrics:push:state:"
RESUME = "What was pushed is complete; the same command goes on from there."
CATALOG = settings.REPOSITORY / "seeds" / "metric_catalog.csv"


class Stopped(click.ClickException):
    """The push could not go on; what was pushed until then is complete."""

    exit_code = 2


@dataclass(frozen=True)
class Options:
    """What all commands take."""

    redis_url: str
    manner: Manner
    lag: float
    settle_for: float
    restart: bool
    dry_run: bool
    verify: str | None

    def connect(self) -> Client:
        """A client of the server or cluster that the URL names."""
        # How long to wait for a server is said by --retry-for, not by the client.
        client = redis.Redis.from_url(
            self.redis_url, socket_connect_timeout=5, protocol=2, retry=Retry(NoBackoff(), retries=0)
        )
        try:
            cluster = client.info("cluster").get("cluster_enabled")
        except redis.exceptions.NoPermissionError:
            cluster = False
        return redis.RedisCluster.from_url(self.redis_url, protocol=2) if cluster else client


@dataclass
class State:
    """How far a push has come, kept in Redis itself: it goes when the keys go.

    since: when the push began, by ClickHouse's clock; the second pass goes back to it, however often a push is cut off.
    last: by the name of each kind, the highest id done. counts: of what is done.
    """

    client: Client
    key: str
    since: str
    last: dict[str, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)

    @classmethod
    def of(cls, client: Client, job: str, moment: str, restart: bool) -> "State":
        """The state that a push of this job has left, or a new one as of a moment, which is kept at once.

        Begun anew, or after more than a day, a push does everything again, but still knows how old its keys may be.
        """
        state = cls(client, STATE + hashlib.sha1(job.encode()).hexdigest()[:12], moment)
        if kept := client.get(state.key):
            found = json.loads(kept)
            state.since = found["since"]
            if not restart and datetime.fromisoformat(moment) - datetime.fromisoformat(state.since) < timedelta(days=1):
                state.last, state.counts = found["last"], Counts(**found["counts"])
        state._keep()
        return state

    def done(self, part: Range, counts: Counts) -> None:
        """Note that a range is done."""
        self.last[part.hashes.name], self.counts = part.last, counts
        self._keep()

    def forget(self) -> None:
        """The push is over."""
        self.client.delete(self.key)

    def _keep(self) -> None:
        found = {"since": self.since, "last": self.last, "counts": asdict(self.counts)}
        self.client.set(self.key, json.dumps(found))


def common(command: Callable) -> Callable:
    """The options of all commands."""
    for option in reversed(
        [
            click.option("--redis-url", help="redis://, rediss:// (default: REDIS_URL, else the sandbox's)."),
            click.option("--ids", help="Only these, as in 1,2,3."),
            click.option(
                "--mode",
                type=click.Choice([mode.value for mode in Mode]),
                default=Mode.POPULATE.value,
                show_default=True,
                help="Write keys that are not there (populate), only those that are (refresh), or all (overwrite).",
            ),
            click.option("--ttl", type=click.FloatRange(min=0.001), help="Seconds that keys live (default: for ever)."),
            click.option(
                "--ttl-jitter",
                type=click.FloatRange(0, 1),
                default=0.1,
                show_default=True,
                help="Share of the ttl by which some keys live longer, so that not all go at once.",
            ),
            click.option("--max-rate", type=click.FloatRange(min=1), help="Keys a second at most."),
            click.option(
                "--retry-for",
                type=click.FloatRange(min=0),
                default=60,
                show_default=True,
                help="Seconds to wait for a Redis that has gone away.",
            ),
            click.option("--restart", is_flag=True, help="Begin anew where an earlier push was cut off."),
            click.option("--dry-run", is_flag=True, help="Say how many keys this would push; write nothing."),
            click.option(
                "--verify",
                type=click.Choice(["sample", "all"]),
                help=f"Push nothing; compare {SAMPLE:,} random keys of each kind, or all, with ClickHouse.",
            ),
            click.option(
                "--writer-lag",
                type=click.FloatRange(min=0),
                default=2,
                show_default=True,
                help="Seconds within which an event of createdAt is in the log and added to its key.",
            ),
            click.option(
                "--settle-for",
                type=click.FloatRange(min=0),
                default=60,
                show_default=True,
                help="Seconds to wait for entities that keep having events.",
            ),
        ]
    ):
        command = option(command)
    return command


@click.group()
def main() -> None:
    """Push what the event log adds up to into Redis.

    ClickHouse is found by CLICKHOUSE_HOST, CLICKHOUSE_PORT, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD, CLICKHOUSE_SECURE and
    CLICKHOUSE_DATABASE (where dbt has built the marts), Redis by REDIS_URL. A push that was cut off goes on where it
    stood when the same command is given again.

    Exit code 1: keys failed, differ or never settled, and are named. 2: it could not go on.
    """


@main.command()
@click.option("--entity-type", "entity_types", multiple=True, help="Such as Model; repeatable (default: all).")
@click.option(
    "--event-log", default="default.entityMetricEvents", show_default=True, help="The log, <database>.<table>."
)
@click.option("--changed-since", help="Only entities with events since this time in UTC, as in '2026-01-31 12:00:00'.")
@common
def entities(entity_types: tuple[str, ...], changed_since: str | None, event_log: str, **options: object) -> None:
    """Push entity:metrics:{entityType}:{entityId}: a field for each metric."""
    with CATALOG.open(newline="") as file:
        known = sorted({row["entity_type"] for row in csv.DictReader(file)})
    for entity_type in entity_types:
        if entity_type not in known:
            raise click.BadParameter(f"{entity_type!r} is none of {', '.join(known)}.", param_hint="--entity-type")
    if changed_since is not None:
        try:
            moment = datetime.fromisoformat(changed_since)
        except ValueError:
            raise click.BadParameter(
                f"{changed_since!r} is no time such as '2026-01-31 12:00:00'.", param_hint="--changed-since"
            ) from None
        utc = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        changed_since = utc.isoformat(" ", "milliseconds")
    if event_log.count(".") != 1:
        raise click.BadParameter(f"{event_log!r} must be <database>.<table>.", param_hint="--event-log")
    kinds = {}
    for entity_type in entity_types or known:
        hashes = entity_hashes(entity_type, event_log)
        kinds[hashes] = "true" if changed_since is None else f"entityId in ({hashes.changed_since(changed_since)})"
    _run(kinds, **options)


@main.command("user-metrics")
@common
def push_user_metrics(**options: object) -> None:
    """Push user:metrics:{userId}: a field for each column of user_metrics."""
    _run({user_metrics(): "true"}, **options)


@main.command("user-reactions")
@common
def push_user_reactions(**options: object) -> None:
    """Push reactions:{userId}: a field for each image, its flags Like 1, Dislike 2, Laugh 4, Cry 8, Heart 16."""
    _run({user_reactions(): "true"}, **options)


def _run(kinds: dict[Hashes, str], ids: str | None, **given: object) -> None:
    """Do what the options say, and turn what goes wrong into one message."""
    options = _options(**given)
    address = urlsplit(options.redis_url)
    if ids is not None:
        numbers = ids.split(",")
        if not all(re.fullmatch(r" *-?[0-9]{1,18} *", number) for number in numbers):
            raise click.BadParameter(f"{ids!r} is no list such as 1,2,3.", param_hint="--ids")
        picked = [int(number) for number in numbers]
        kinds = {hashes: f"{hashes.among(picked)} and {condition}" for hashes, condition in kinds.items()}
    source = Source(*clickhouse_from_environment())
    where = f"Redis at {address.hostname}:{address.port or 6379}" if address.hostname else "Redis"
    try:
        if options.dry_run:
            _say_what_would_be(source, kinds, options)
        elif options.verify:
            _verify(source, kinds, options)
        else:
            _push(source, kinds, options)
    except OutOfMemory as error:
        raise Stopped(
            f"{where} is full: {error}. Give it more memory (maxmemory), or push fewer keys or with a --ttl. {RESUME}"
        ) from None
    except TooManyFailures as error:
        raise Stopped(
            "\n".join([f"{where} refuses what is pushed; stopped after {error}. The first:", *error.counts.failures])
        ) from None
    except (Unavailable, redis.exceptions.RedisError) as error:
        raise Stopped(f"{where} cannot be worked with: {error}. {RESUME}") from None
    except NotACount as error:
        raise Stopped(
            f"{error}. Find out who wrote it; once the key is deleted, readers or the next push make it anew. {RESUME}"
        ) from None
    except ClickHouseError as error:
        raise Stopped(f"{error}\n{RESUME} (The marts are built by dbt build --selector marts.)") from None


def _options(
    redis_url: str | None, mode: str, ttl: float | None, ttl_jitter: float, max_rate: float | None, retry_for: float,
    restart: bool, dry_run: bool, verify: str | None, writer_lag: float, settle_for: float,
) -> Options:  # fmt: skip
    url = redis_url or environment()["REDIS_URL"]
    hint = "--redis-url or REDIS_URL"
    if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise click.BadParameter("must begin with redis:// or rediss://.", param_hint=hint)
    try:
        redis.Redis.from_url(url).connection_pool.make_connection()
    except (ValueError, TypeError):
        # The error itself may show a part of the password.
        raise click.BadParameter(
            "is no URL that Redis can be found by. Special characters in a password are written as %2F and so on.",
            param_hint=hint,
        ) from None
    return Options(
        redis_url=url,
        manner=Manner(Mode(mode), ttl, (ttl or 0) * ttl_jitter, max_rate, retry_for),
        lag=writer_lag,
        settle_for=settle_for,
        restart=restart,
        dry_run=dry_run,
        verify=verify,
    )


def _ranges(source: Source, kinds: dict[Hashes, str], options: Options, last: dict[str, int]) -> list[Range]:
    """All that is to be pushed, in ranges that take a minute at most."""
    found = []
    for hashes, condition in kinds.items():
        at_a_time = min(hashes.at_a_time, int((options.manner.max_rate or hashes.at_a_time) * 60))
        found += ranges(source, hashes, condition, at_a_time, last.get(hashes.name))
    return found


def _say_what_would_be(source: Source, kinds: dict[Hashes, str], options: Options) -> None:
    which = {
        Mode.POPULATE: "of which those would be written that are not there yet",
        Mode.REFRESH: "of which those would be written that are there",
        Mode.OVERWRITE: "which would all be written",
    }[options.manner.mode]
    for hashes, condition in kinds.items():
        count = sum(part.count for part in ranges(source, hashes, condition, hashes.at_a_time))
        click.echo(f"{hashes.name}: at most {count:,} keys {hashes.prefix}…, {which}")


def _push(source: Source, kinds: dict[Hashes, str], options: Options) -> None:
    manner = options.manner
    selected = [(hashes.name, hashes.events, condition) for hashes, condition in kinds.items()]
    job = json.dumps([source.database, selected, manner.mode.value, manner.ttl, manner.jitter])
    state = State.of(options.connect(), job, now(source.query), options.restart)
    if state.last:
        done = ", ".join(f"{name} {last}" for name, last in state.last.items())
        click.echo(f"Going on after {done}, in the push that began at {state.since}")
    todo = _ranges(source, kinds, options, state.last)
    began, already = time.monotonic(), state.counts.done
    with _progress(already + sum(part.count for part in todo)) as on_progress:
        counts = push(source, options.connect, todo, manner, state.done, on_progress, state.counts)
    seconds = time.monotonic() - began
    click.echo(
        f"{counts.done:,} keys in {seconds:.1f} s ({(counts.done - already) / max(seconds, 0.001):,.0f} a second): "
        f"{counts.written:,} written, {counts.left:,} left as they are, {counts.failed:,} failed"
    )
    unsettled = _settle(source, kinds, options, state.since)
    state.forget()
    _fail_for([*counts.failures, *unsettled], counts.failed + len(unsettled))


def _settle(source: Source, kinds: dict[Hashes, str], options: Options, since: str) -> list[str]:
    """The second pass: entities that had events since the push began. Returns what is still uncertain."""
    counted_on = {hashes: condition for hashes, condition in kinds.items() if hashes.entity_type}
    done = settle(source.query, options.connect(), counted_on, since, options.lag, options.settle_for)
    if done.changed:
        click.echo(f"{done.changed:,} entities had events meanwhile; {len(done.corrected):,} keys corrected")
    return [
        f"{hashes.key(number)} had an event every {2 * options.lag:g} seconds and could not be checked; a smaller "
        "--writer-lag or a larger --settle-for may help"
        for hashes, number in done.unsettled
    ]


def _verify(source: Source, kinds: dict[Hashes, str], options: Options) -> None:
    limit = f"order by rand() limit {SAMPLE}" if options.verify == "sample" else "order by id"
    wanted = {
        hashes: source.numbers(f"select distinct id from ({hashes.ids.format(condition=condition)}) {limit}")
        for hashes, condition in kinds.items()
    }
    messages = []
    for hashes, found in compare(source.query, options.connect(), wanted, options.lag).items():
        click.echo(
            f"{hashes.name}: {found.equal:,} keys equal, {len(found.different):,} differ, {found.missing:,} missing, "
            f"{len(found.unsettled):,} changing"
        )
        messages += [
            f"{hashes.key(number)}: " + ", ".join(f"{name} is off by {-value:+}" for name, value in off_by.items())
            for number, off_by in found.different.items()
        ]
        # Refreshing makes no keys, so none can be missed.
        if found.missing and options.manner.mode is not Mode.REFRESH:
            messages.append(f"{hashes.name}: {found.missing:,} keys are missing")
    _fail_for(messages, len(messages))


def _fail_for(messages: list[str], count: int) -> None:
    """Name the first of what is wrong, and exit with 1; nothing where nothing is."""
    for message in messages[:10]:
        click.echo(message, err=True)
    if count > 10:
        click.echo(f"… and {count - 10:,} more", err=True)
    if count:
        sys.exit(1)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar with rate and time left on a terminal, a line now and then elsewhere."""
    began = time.monotonic()

    def rate(done: int) -> float:
        return done / max(time.monotonic() - began, 0.001)

    if sys.stdout.isatty():
        with click.progressbar(
            length=total, label="Keys", show_pos=True, item_show_func=lambda done: f"{rate(done or 0):,.0f} a second"
        ) as bar:
            yield lambda done: bar.update(done - bar.pos, done)
        return
    told = began

    def tell(done: int) -> None:
        nonlocal told
        if time.monotonic() - told >= LINE_EVERY:
            told = time.monotonic()
            left = (total - done) / max(rate(done), 1)
            click.echo(f"{done:,} of {total:,} keys, {rate(done):,.0f} a second, {left:.0f} s left")

    yield tell


if __name__ == "__main__":
    main()
