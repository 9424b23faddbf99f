"""Hashes compared with ClickHouse, and put right where events came between reading the totals and writing the key.

The application writes an event to the log and then adds its value to the hash, if there is one. All of an event has
happened within the lag of its createdAt, so a field can be judged if none of its events was as young when its hash was
read. What it is off by is added to it, not written over it: then nothing is lost that the application adds meanwhile.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from metrics_cache.hashes import Hashes, moment_literal
from metrics_cache.pipe import Client
from sandbox_lib.clickhouse_http import quoted

# Hashes that are read at a time, and how many such readings may wait for the lag to pass.
AT_A_TIME = 1_000
WAITING = 50
# The field of a hash that says that there is nothing; see reader.py.
NOTHING = b""
ADD_IF_THERE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
"""
Query = Callable[[str], str]
Fields = dict[str, Decimal]


class NotACount(Exception):
    """A hash has a field that holds no number, or has no name."""


@dataclass
class Comparison:
    """What comparing hashes of a kind has found.

    different: by how much each field is too low, by id. missing: how many that ought to be there have no key.
    unsettled: ids with a field that had an event too shortly before it was read.
    """

    equal: int = 0
    missing: int = 0
    different: dict[int, Fields] = field(default_factory=dict)
    unsettled: list[int] = field(default_factory=list)


@dataclass
class _Reading:
    """Hashes as they were read between two moments of ClickHouse's clock. until: when they can be judged."""

    hashes: Hashes
    fields: dict[int, Fields]
    begin: str
    end: str
    until: float


def compare(
    query: Query, client: Client, wanted: Mapping[Hashes, Iterable[int]], lag: float
) -> dict[Hashes, Comparison]:
    """Compare the hashes of these ids with ClickHouse. Raises NotACount, which names key, field and value."""
    found = {hashes: Comparison() for hashes in wanted}
    waiting: deque[_Reading] = deque()
    for hashes, numbers in wanted.items():
        for group in in_groups(numbers, AT_A_TIME):
            waiting.append(_read(query, client, hashes, group, lag))
            if len(waiting) >= WAITING or waiting[0].until <= time.monotonic():
                _judge(query, waiting.popleft(), lag, found)
    for reading in waiting:
        _judge(query, reading, lag, found)
    return found


def correct(client: Client, hashes: Hashes, different: Mapping[int, Fields]) -> None:
    """Add to each hash what it is off by, if it is still there."""
    script = client.register_script(ADD_IF_THERE)
    for number, off_by in different.items():
        words = [word for name, value in off_by.items() for word in (name, int(value))]
        script(keys=[hashes.key(number)], args=words)


@dataclass
class Settled:
    """What the second pass has done: how many entities had events, which were corrected, which cannot be judged."""

    changed: int = 0
    corrected: set[tuple[Hashes, int]] = field(default_factory=set)
    unsettled: list[tuple[Hashes, int]] = field(default_factory=list)


def settle(query: Query, client: Client, kinds: Iterable[Hashes], since: str, lag: float, patience: float) -> Settled:
    """Put right the hashes of the entities that have had events since a moment.

    A field that has an event every few seconds is tried again as long as patience lasts. Raises NotACount.
    """
    end = time.monotonic() + patience
    changed = {
        hashes: query(f"select distinct entityId from ({hashes.changed_since(since, lag)} and {condition}) format TSV")
        for hashes, condition in kinds.items()
    }
    pending = {hashes: sorted(map(int, lines.split())) for hashes, lines in changed.items() if lines}
    done = Settled(changed=sum(map(len, pending.values())))
    while pending:
        found = compare(query, client, pending, lag)
        for hashes, comparison in found.items():
            correct(client, hashes, comparison.different)
            done.corrected.update((hashes, number) for number in comparison.different)
        # What was corrected is looked at again: a key may have been made anew in between.
        again = {hashes: sorted({*one.unsettled, *one.different}) for hashes, one in found.items()}
        pending = {hashes: numbers for hashes, numbers in again.items() if numbers}
        if pending and time.monotonic() > end:
            done.unsettled = [(hashes, number) for hashes, numbers in pending.items() for number in numbers]
            break
    return done


def now(query: Query) -> str:
    """The moment, by ClickHouse's clock."""
    return query("select now64(3, 'UTC') format TSV").strip()


def in_groups(numbers: Iterable[int], size: int) -> Iterator[list[int]]:
    """The numbers, so many at a time."""
    group: list[int] = []
    for number in numbers:
        group.append(number)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _read(query: Query, client: Client, hashes: Hashes, numbers: list[int], lag: float) -> _Reading:
    begin = now(query)
    pipeline = client.pipeline(transaction=False)
    for number in numbers:
        pipeline.hgetall(hashes.key(number))
    fields = {
        number: _counts(hashes.key(number), answer) for number, answer in zip(numbers, pipeline.execute(), strict=True)
    }
    # By then what was under way has arrived, and what a clock ahead of ClickHouse's calls later.
    wait = 2 * lag if hashes.entity_type else 0
    return _Reading(hashes, fields, begin, now(query), time.monotonic() + wait)


def _counts(key: str, answer: Mapping[bytes, bytes]) -> Fields:
    """The fields of a hash, of what Redis answers."""
    fields = {}
    for name, value in answer.items():
        if name == NOTHING:
            continue
        try:
            text, count = name.decode(), Decimal(value.decode())
            if not count.is_finite():
                raise ValueError(count)
        except (ArithmeticError, ValueError):
            raise NotACount(f"{key} has {value!r} in its field {name!r}, which is no count") from None
        fields[text] = count
    return fields


def _judge(query: Query, reading: _Reading, lag: float, found: dict[Hashes, Comparison]) -> None:
    """Compare what was read with what ClickHouse says it should have been."""
    time.sleep(max(0, reading.until - time.monotonic()))
    expected, moving = _expected(query, reading, lag)
    result = found[reading.hashes]
    for number, actual in reading.fields.items():
        should_be, unsure = expected.get(number, {}), moving.get(number, set())
        off_by = {
            name: should_be.get(name, Decimal(0)) - actual.get(name, Decimal(0))
            for name in (should_be.keys() | actual.keys()) - unsure
        }
        off_by = {name: value for name, value in off_by.items() if value}
        if not actual:
            result.missing += bool(off_by)
        elif off_by:
            result.different[number] = off_by
        elif not unsure:
            result.equal += 1
        if actual and unsure:
            result.unsettled.append(number)


def _expected(query: Query, reading: _Reading, lag: float) -> tuple[dict[int, Fields], dict[int, set[str]]]:
    """The fields of each id, and the names of those that had events around the time of reading."""
    hashes = reading.hashes
    condition = hashes.among(reading.fields)
    if hashes.entity_type:
        milliseconds = f"toIntervalMillisecond({round(lag * 1000)})"
        young = f"createdAt >= {moment_literal(reading.begin)} - {milliseconds}"
        rows = (
            f"select entityId, metricType, sumIf(value, not ({young})), "
            f"countIf({young} and createdAt <= {moment_literal(reading.end)} + {milliseconds}) > 0 "
            f"from entity_metric_terms where entityType = {quoted(hashes.entity_type)} and {condition} "
            "group by entityId, metricType"
        )
    else:
        rows = f"select id, field, value, 0 from ({hashes.fields(condition)})"
    fields: dict[int, Fields] = {}
    moving: dict[int, set[str]] = {}
    for line in query(f"{rows} format JSONCompactStringsEachRow").splitlines():
        number, name, value, unsure = json.loads(line)
        if unsure == "1":
            moving.setdefault(int(number), set()).add(name)
        fields.setdefault(int(number), {})[name] = Decimal(value)
    return fields, moving
