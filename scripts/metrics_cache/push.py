"""Hashes pushed from ClickHouse to Redis: ClickHouse writes the protocol of Redis, and the bytes go on as they are."""

import hashlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import redis

from metrics_cache.hashes import RENAME_IF_THERE, Hashes, Mode, Rendering
from metrics_cache.pipe import START, Client, Counts, Pipe, Unavailable
from metrics_cache.resp import commands
from sandbox_lib.clickhouse_http import ClickHouse, ClickHouseError, stream

# Bytes read from ClickHouse at a time, and how many such pieces may wait.
PIECE = 1 << 18
PIECES = 8
# Ids are counted in blocks of so many to find ranges.
BLOCK = 10_000
# Seconds until Redis is tried again, at first.
FIRST_PAUSE = 0.1
# After so many failures a push stops: something is wrong with all of them.
MOST_FAILURES = 1_000
# A slow push may keep ClickHouse waiting.
HOURS = 24 * 3600
SLOW = {"http_send_timeout": str(HOURS), "http_receive_timeout": str(HOURS)}
# Bytes of a transaction, about: at a low rate pieces are made so small that one takes a tenth of a second.
TRANSACTION = 400


class TooManyFailures(Exception):
    """Redis refuses one command after the other."""

    def __init__(self, counts: Counts) -> None:
        super().__init__(f"{counts.failed:,} commands failed")
        self.counts = counts


@dataclass(frozen=True)
class Range:
    """Some of the hashes of a kind; condition is what picks their ids, last the highest of them."""

    hashes: Hashes
    condition: str
    last: int
    count: int


@dataclass(frozen=True)
class Source:
    """ClickHouse, and the database of the marts."""

    server: ClickHouse
    database: str

    def query(self, sql: str) -> str:
        """The answer to a query."""
        with stream(self.server, sql, timeout=HOURS, database=self.database) as response:
            return response.read().decode()

    def numbers(self, sql: str) -> Iterator[int]:
        """The whole numbers that a query gives, one by one."""
        with stream(self.server, f"{sql} format TSV", timeout=HOURS, database=self.database, **SLOW) as response:
            yield from map(int, response)

    def pieces(self, sql: str, stop: threading.Event, size: int = PIECE) -> Iterator[bytes]:
        """The answer to a query that renders transactions, piece by piece, each made of whole transactions."""
        rest = b""
        with stream(self.server, sql, timeout=HOURS, database=self.database, **SLOW) as response:
            while not stop.is_set() and (piece := response.read(size)):
                rest += piece
                end = rest.rfind(START)
                if end > 0:
                    yield rest[:end]
                    rest = rest[end:]
        if stop.is_set() or not rest:
            return
        # An error in the middle of an answer would stand at its end.
        try:
            complete = rest.startswith(START) and commands(rest)[-1] == [b"EXEC"]
        except ValueError:
            complete = False
        if not complete:
            raise ClickHouseError(f"The answer ends with {rest[-500:].decode(errors='replace')!r}.")
        yield rest


def ranges(source: Source, hashes: Hashes, condition: str, at_a_time: int, after: int | None = None) -> list[Range]:
    """The ids that a condition holds for, beyond the one that was done last, in ranges of so many or a few more."""
    picked = condition if after is None else f"{hashes.id_column} > {after} and {condition}"
    answer = source.query(
        f"select min(id) as first, max(id), uniqExact(id) from ({hashes.ids.format(condition=picked)}) "
        f"group by intDiv(id, {BLOCK}) order by first format TSV"
    )
    found: list[Range] = []
    current: Range | None = None
    for lowest, last, count in (map(int, line.split("\t")) for line in answer.splitlines()):
        if current is None:
            first, so_far = lowest, 0
        so_far += count
        current = Range(hashes, f"{hashes.id_column} between {first} and {last} and {picked}", last, so_far)
        if so_far >= at_a_time:
            found.append(current)
            current = None
    return [*found, current] if current else found


@dataclass(frozen=True)
class Manner:
    """How to push. max_rate: transactions a second; patience: seconds without Redis until a push gives up."""

    mode: Mode
    ttl: float | None = None
    jitter: float = 0
    max_rate: float | None = None
    patience: float = 60


def push(
    source: Source,
    connect: Callable[[], Client],
    todo: list[Range],
    manner: Manner,
    on_range: Callable[[Range, Counts], None],
    on_progress: Callable[[int], None],
    before: Counts | None = None,
) -> Counts:
    """Push ranges of hashes, one after the other, and count on from what was done before.

    on_range is told which range is done and what the counts are then, on_progress how many hashes are.

    Where Redis goes away, the range under way is pushed again once it is back: a range may be pushed any number of
    times. Raises Unavailable when that takes longer than patience, OutOfMemory, TooManyFailures, or ClickHouseError;
    what on_range was told is done all the same.
    """
    counts, position, until, pause = _copy(before or Counts()), 0, None, FIRST_PAUSE
    while position < len(todo):
        certain = _copy(counts)
        try:
            for done in _push_once(source, connect(), todo[position:], manner, counts, on_progress):
                position += 1
                certain, until, pause = _copy(counts), None, FIRST_PAUSE
                on_range(done, certain)
        except (Unavailable, redis.exceptions.RedisError) as error:
            if isinstance(error, redis.exceptions.AuthenticationError | redis.exceptions.NoPermissionError):
                raise
            until = until or time.monotonic() + manner.patience
            if time.monotonic() >= until:
                raise Unavailable(str(error)) from error
            time.sleep(pause)
            pause = min(pause * 2, 5)
            counts = certain
    return counts


def _push_once(
    source: Source,
    client: Client,
    todo: list[Range],
    manner: Manner,
    counts: Counts,
    on_progress: Callable[[int], None],
) -> Iterator[Range]:
    """Push ranges with one set of connections; yields each that is done."""
    rendering = Rendering(
        mode=manner.mode,
        ttl=manner.ttl,
        jitter=manner.jitter,
        script=hashlib.sha1(RENAME_IF_THERE.encode()).hexdigest(),
        cluster=isinstance(client, redis.RedisCluster),
    )
    if manner.mode is Mode.REFRESH:
        client.script_load(RENAME_IF_THERE)
    pipe = Pipe(client, rendering.commands, counts)
    size = PIECE if manner.max_rate is None else max(1, min(PIECE, int(manner.max_rate / 10 * TRANSACTION)))
    pieces: queue.Queue[bytes | Range | Exception | None] = queue.Queue(PIECES)
    stop = threading.Event()
    producer = threading.Thread(target=_produce, args=(source, rendering, todo, size, pieces, stop), daemon=True)
    producer.start()
    due = 0.0
    try:
        while (piece := pieces.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            if isinstance(piece, Range):
                pipe.drain()
                on_progress(counts.done)
                yield piece
                continue
            pipe.send(piece)
            on_progress(counts.done)
            if counts.failed > MOST_FAILURES:
                raise TooManyFailures(counts)
            if manner.max_rate:
                due = max(due, time.monotonic()) + piece.count(START) / manner.max_rate
                time.sleep(max(0, due - time.monotonic()))
    finally:
        stop.set()
        pipe.close()


def _produce(
    source: Source, rendering: Rendering, todo: list[Range], size: int, pieces: queue.Queue, stop: threading.Event
) -> None:
    """Queue the transactions of ranges, each range after its last, and None at the end; or what went wrong."""

    def put(item: bytes | Range | Exception | None) -> None:
        while not stop.is_set():
            try:
                return pieces.put(item, timeout=0.2)
            except queue.Full:
                pass

    try:
        for part in todo:
            for piece in source.pieces(rendering.query(part.hashes, part.condition), stop, size):
                put(piece)
            put(part)
        put(None)
    except Exception as error:  # the thread that takes the pieces raises it
        put(error)


def _copy(counts: Counts) -> Counts:
    return replace(counts, failures=list(counts.failures))
