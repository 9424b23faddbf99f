"""Hashes in Redis: how they are written, read, compared with ClickHouse and put right."""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice
from types import SimpleNamespace as Options
from typing import NamedTuple, TypeVar

import click
import redis
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.external import ExternalData
from redis import exceptions as errors
from redis.backoff import NoBackoff
from redis.retry import Retry

import targets
from wording import how_many

Cache = redis.Redis | redis.RedisCluster
Answer = TypeVar("Answer")
Pair = tuple[int, str]  # id and key

# Keys of a pipeline.
BATCH = 1_000
# Readings that may wait to be judged.
WAITING = 5
# Errors of a Redis that is not ready. The same command may succeed a moment later, perhaps on another node.
PASSING = (
    *(errors.ConnectionError, errors.TimeoutError, errors.ClusterError, errors.RedisClusterException),
    *(errors.AskError, errors.ClusterDownError, errors.TryAgainError, errors.ReadOnlyError, errors.NoScriptError),
)
# A script is one step: readers see a hash before it or after it. Arguments: mode, milliseconds to live, and names and
# values as JSON, which Redis takes apart more cheaply than the client sends an argument each.
WRITE = """
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then
    return redis.error_reply('WRONGTYPE it is a ' .. kind .. ', not a hash: find out who wrote it, and delete it')
end
if ARGV[1] == (kind == 'none' and 'refresh' or 'populate') then return 0 end
local lives = tonumber(ARGV[2])
if lives == 0 and ARGV[1] == 'refresh' then lives = redis.call('PTTL', KEYS[1]) end
if kind == 'hash' then redis.call('UNLINK', KEYS[1]) end
local words = cjson.decode(ARGV[3])
-- unpack() takes some thousands of words at most
for i = 1, #words, 1000 do redis.call('HSET', KEYS[1], unpack(words, i, math.min(i + 999, #words))) end
if lives > 0 and #words > 0 then redis.call('PEXPIRE', KEYS[1], lives) end
return 1
"""
# An addition keeps what the application adds meanwhile.
ADD = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
"""
# Redis (the external table found: names and texts in hex, one empty name for each id) beside ClickHouse.
COMPARE = """
with fields as (
    select toInt64(id) as id, toString(name) as name, toDecimal128(value, 2) as value, around, '' as no_count
    from ({expected})
    union all
    select
        id,
        unhex(name) as name,
        -ifNull(toDecimal128OrNull(unhex(text), 2), 0) as value,
        0 as around,
        if(isNull(toDecimal128OrNull(unhex(text), 2)), unhex(text), '') as no_count
    from found
),

differences as (
    select id, name, sum(value) as off, max(around) as is_unsure, max(no_count) as text
    from fields
    group by id, name
)

select
    id,
    groupArrayIf((name, toString(off)), off != 0 and not is_unsure and text = ''),
    max(is_unsure),
    groupArrayIf((name, text), text != '')
from differences
where off != 0 or is_unsure or text != ''
group by id
"""


@dataclass(frozen=True)
class Kind:
    """One kind of hash.

    table: the model with a row a key. slice: ids that are pushed by one query. block: rows that are held at a time.
    entity_type: whose events the application adds to these hashes by itself.
    """

    name: str
    table: str
    slice: int
    block: int
    condition: str = "true"
    entity_type: str = ""

    def changed(self, since: str, lag: float = 0) -> str:
        """The query for the ids of entities that have had events since a moment, less a lag in seconds."""
        of_type = f"select entityId from logged_events where entityType = '{self.entity_type}'"
        return f"{of_type} and createdAt >= {moment(since, -lag)}"

    def expected(self, begin: str, end: str, lag: float) -> str:
        """The query for the fields of hashes that were read between two moments, but for events around then."""
        if not self.entity_type:
            fields = "array join mapKeys(fields) as name, mapValues(fields) as value"
            of_found = f"from {self.table} {fields} where id global in (select id from found)"
            return f"select id, name, value, 0 as around {of_found}"
        young = f"createdAt >= {moment(begin, -lag)}"
        return (
            f"select entityId as id, metricType as name, sumIf(value, not ({young})) as value,"
            f" max({young} and createdAt <= {moment(end, lag)}) as around from entity_metric_terms"
            f" where entityType = '{self.entity_type}' and entityId global in (select id from found)"
            " group by entityId, metricType"
        )


class Comparison(NamedTuple):
    """Hashes beside ClickHouse. off_by: what fields are too low by. unsure: a field had events just then."""

    kind: Kind
    equal: int
    missing: int
    off_by: dict[Pair, dict[str, Decimal]]
    unsure: list[Pair]
    faults: list[str]


class Patient:
    """Redis, asked again for so many seconds when it is away or not ready."""

    def __init__(self, options: Options) -> None:
        self._options, self._client = options, None

    def ask(self, question: Callable[[Cache], Answer]) -> Answer:
        """The answer to a question."""
        until, pause = time.monotonic() + self._options.retry_for, 0.1
        while True:
            try:
                self._client = self._client or connect(self._options.target)
                return question(self._client)
            except PASSING as error:
                if isinstance(error, errors.AuthenticationError) or time.monotonic() >= until:
                    raise
                self._client = None
                time.sleep(pause)
                pause = min(pause * 2, 5)

    def pipeline(self, calls: list[tuple]) -> list:
        """The answers to commands, some of which may be errors."""
        answers: list = []

        def question(client: Cache) -> None:
            pipeline = client.pipeline(transaction=False)
            for call in calls[len(answers) :]:
                pipeline.execute_command(*call)
            for answer in pipeline.execute(raise_on_error=False):
                if isinstance(answer, (errors.OutOfMemoryError, *PASSING)):
                    raise answer
                answers.append(answer)

        self.ask(question)
        return answers


def connect(target: str) -> Cache:
    """A client of the server or cluster that the target's URL names, which knows the scripts."""
    url = targets.redis_url(target)
    # --retry-for says how long to wait for a server.
    client = redis.Redis.from_url(url, socket_connect_timeout=5, protocol=2, retry=Retry(NoBackoff(), retries=0))
    if client.info("cluster").get("cluster_enabled"):
        client = redis.RedisCluster.from_url(url, protocol=2)
    for script in (WRITE, ADD):
        client.script_load(script)
    return client


@lru_cache
def digest(script: str) -> str:
    """What Redis knows a script by."""
    return hashlib.sha1(script.encode()).hexdigest()


def evalsha(script: str, key: str | bytes, *arguments: object) -> tuple:
    """The command that runs a script for a key."""
    return ("EVALSHA", digest(script), 1, key, *arguments)


def evicted(client: Cache) -> int:
    """How many keys Redis has evicted so far."""
    if isinstance(client, redis.RedisCluster):
        return sum(client.info("stats", target_nodes=node)["evicted_keys"] for node in client.get_primaries())
    return client.info("stats")["evicted_keys"]


def moment(text: str, seconds: float = 0) -> str:
    """A moment in UTC as SQL, some seconds later."""
    return f"toDateTime64('{text}', 3, 'UTC') + toIntervalMillisecond({round(seconds * 1000)})"


def clock(source: Client) -> str:
    """The moment, by ClickHouse's clock."""
    return source.command("select toString(now64(3, 'UTC'))")


def batches(rows: Iterable[Answer], size: int) -> Iterator[list[Answer]]:
    """The rows, so many at a time."""
    rows = iter(rows)
    while batch := list(islice(rows, size)):
        yield batch


def compare(
    source: Client, cache: Patient, groups: Iterable[tuple[Kind, list[Pair]]], lag: float
) -> Iterator[Comparison]:
    """Compare hashes, given by id and key, with ClickHouse.

    The application writes an event to the log and then adds it to the hash, if there is one. All of that happens within
    the lag of createdAt, so a field can be judged if no event was younger when it was read.
    """
    waiting: deque[tuple[float, Callable[[], Comparison]]] = deque()
    for kind, pairs in groups:
        judge = read(source, cache, kind, pairs, lag)
        # By then the application's events have arrived, even from a clock that is ahead of ClickHouse's.
        waiting.append((time.monotonic() + (2 * lag if kind.entity_type else 0), judge))
        while waiting and (len(waiting) == WAITING or waiting[0][0] <= time.monotonic()):
            yield _when_due(*waiting.popleft())
    for due, judge in waiting:
        yield _when_due(due, judge)


def _when_due(due: float, judge: Callable[[], Comparison]) -> Comparison:
    time.sleep(max(0, due - time.monotonic()))
    return judge()


def read(source: Client, cache: Patient, kind: Kind, pairs: list[Pair], lag: float) -> Callable[[], Comparison]:
    """Read hashes from Redis. Returns what compares them with what ClickHouse says that they should have been."""
    begin, lines, keys, missing, unreadable = clock(source), [], dict(pairs), set(), []
    for batch in batches(pairs, BATCH):
        answers = cache.pipeline([("HGETALL", key) for _, key in batch])
        for (number, key), fields in zip(batch, answers, strict=True):
            if isinstance(fields, Exception):
                unreadable.append(f"{key}: {fields}")
                continue
            if not fields:
                missing.add(number)
            # Readers mark a missing entity by a field without a name.
            lines += [f"{number}\t{name.hex()}\t{text.hex()}" for name, text in (fields | {b"": b"0"}).items()]
    end, data = clock(source), "\n".join(lines).encode()

    def judge() -> Comparison:
        structure = ["id Int64", "name String", "text String"]
        found = ExternalData(file_name="found", data=data, fmt="TSV", structure=structure)
        sql = COMPARE.format(expected=kind.expected(begin, end, lag))
        rows = source.query(sql, external_data=found).result_rows
        equal = len(keys) - len(unreadable) - len(missing | {row[0] for row in rows})
        judged = Comparison(kind, equal, sum(bool(row[1]) for row in rows if row[0] in missing), {}, [], unreadable)
        for number, off_by, is_unsure, no_counts in rows:
            if number not in missing:
                pair = (number, keys[number])
                for name, text in no_counts:
                    judged.faults.append(f"{pair[1]} has {text!r} in its field {name!r}, which is no count: delete it")
                if off_by:
                    judged.off_by[pair] = {name: Decimal(value) for name, value in off_by}
                if is_unsure:
                    judged.unsure.append(pair)
        return judged

    return judge


def settle(source: Client, cache: Patient, kinds: list[Kind], since: str, options: Options) -> list[str]:
    """Put right the hashes of entities that have had events since a moment. Returns what cannot be put right, and why.

    What a field is off by is added to it, not written over it. A field that has an event every few seconds is tried
    again as long as patience lasts.
    """
    end, lag, corrected, faults = time.monotonic() + options.settle_for, options.writer_lag, set(), []
    pending: dict[Kind, list[Pair]] = {}
    for kind in kinds:
        condition = f"id global in ({kind.changed(since, lag)}) and {kind.condition}"
        pending[kind] = source.query(f"select id, key from {kind.table} where {condition}").result_rows
    changed = sum(map(len, pending.values()))
    while any(pending.values()):
        groups = ((kind, batch) for kind, pairs in pending.items() for batch in batches(pairs, kind.block))
        pending = {kind: [] for kind in kinds}
        for found in compare(source, cache, list(groups), lag):
            words = {
                key: chain(*((name, int(value)) for name, value in fields.items()))
                for (_, key), fields in found.off_by.items()
            }
            cache.pipeline([evalsha(ADD, key, *added) for key, added in words.items()])
            corrected |= words.keys()
            faults += found.faults
            # Corrected keys are read again: one may have been made anew in between.
            pending[found.kind] += {*found.unsure, *found.off_by}
        if time.monotonic() > end:
            break
    if changed:
        click.echo(f"{how_many(changed, 'entity')} had events meanwhile; {how_many(len(corrected), 'key')} corrected")
    return faults + [
        f"{key} had an event every {2 * lag:g} seconds and could not be checked; a smaller --writer-lag or a larger"
        " --settle-for may help"
        for pairs in pending.values()
        for _, key in pairs
    ]
