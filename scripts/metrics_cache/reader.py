"""How an application reads hashes: from Redis, and where Redis has none from ClickHouse, once, for everybody.

What is written to fill a gap is what the push writes: whole, and only if the key is still missing. An id without any
metric gets a marker for a short while, so that asking for it again does not reach ClickHouse.

An event that reaches the log after the totals were read, and Redis before the key is written, is missing from such a
key, as it would be from a pushed one without the second pass. Give keys a ttl, or push with --mode refresh and
--changed-since now and then.
"""

import time
import uuid
from collections.abc import Iterable, Sequence
from itertools import chain

import hiredis
import redis

from metrics_cache.compare import NOTHING, Query
from metrics_cache.hashes import Hashes
from metrics_cache.pipe import Client

# Who fills a gap holds its lock for so many seconds at most, others wait for the key that long.
LOCK_SECONDS = 5
LOOK_AGAIN = 0.02
# How long the marker lives.
NOTHING_SECONDS = 60
# Writes a hash if there is none, and gives the lock back if it is still the caller's: both at once.
FILL = """
if redis.call('EXISTS', KEYS[1]) == 0 then
    -- unpack() takes some thousands of words at most
    for i = 3, #ARGV, 1000 do redis.call('HSET', KEYS[1], unpack(ARGV, i, math.min(i + 999, #ARGV))) end
    if ARGV[2] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
"""
UNLOCK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


def read(
    query: Query, client: Client, hashes: Hashes, numbers: Sequence[int], ttl: float | None = None
) -> dict[int, dict[str, str]]:
    """The fields of each id, in one round trip where all are cached; no field where there is no metric.

    ttl: seconds that hashes live which are made here (default: for ever).
    """
    found = _cached(client, hashes, numbers)
    end = time.monotonic() + LOCK_SECONDS
    while missing := [number for number in numbers if number not in found]:
        mine = _locked(client, hashes, missing)
        if mine:
            # Between the look and the lock somebody else may have filled the gap.
            filled = _cached(client, hashes, mine)
            _unlock(client, hashes, {number: mine.pop(number) for number in filled})
            found |= filled
            found |= _fill(query, client, hashes, mine, ttl) if mine else {}
        elif time.monotonic() > end:
            # Whoever held the locks has died: answer without the cache.
            return found | _from_clickhouse(query, hashes, missing)
        else:
            time.sleep(LOOK_AGAIN)
            found |= _cached(client, hashes, missing)
    return {number: found[number] for number in numbers}


def _cached(client: Client, hashes: Hashes, numbers: Iterable[int]) -> dict[int, dict[str, str]]:
    """The hashes that are there."""
    numbers = list(numbers)
    found = {}
    for number, words in zip(numbers, _hgetall(client, [hashes.key(number) for number in numbers]), strict=True):
        pairs = zip(words[::2], words[1::2], strict=True)
        if words:
            found[number] = {name.decode(): value.decode() for name, value in pairs if name != NOTHING}
    return found


def _hgetall(client: Client, keys: list[str]) -> list[list[bytes]]:
    """Fields and values of each key, in one round trip.

    A pipeline of redis-py does the same and takes half as long again, most of it for what surrounds each command; a
    cluster needs it, to ask each of its nodes.
    """
    if isinstance(client, redis.RedisCluster):
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.hgetall(key)
        return [[*chain(*fields.items())] for fields in pipeline.execute()]
    connection = client.connection_pool.get_connection()
    try:
        connection.send_packed_command([hiredis.pack_command(("HGETALL", key)) for key in keys])
        answers = [connection.read_response() for _ in keys]
    except BaseException:
        # Answers that are still on their way must not reach whoever gets the connection next.
        connection.disconnect()
        raise
    finally:
        client.connection_pool.release(connection)
    # The newer protocol answers with maps.
    return [[*chain(*answer.items())] if isinstance(answer, dict) else answer for answer in answers]


def _locked(client: Client, hashes: Hashes, numbers: Sequence[int]) -> dict[int, str]:
    """The ids whose gap is the caller's to fill, each with the token of its lock."""
    token = uuid.uuid4().hex
    pipeline = client.pipeline(transaction=False)
    for number in numbers:
        pipeline.set(_lock(hashes, number), token, nx=True, px=LOCK_SECONDS * 1000)
    return {number: token for number, locked in zip(numbers, pipeline.execute(), strict=True) if locked}


def _unlock(client: Client, hashes: Hashes, locks: dict[int, str]) -> None:
    """Give locks back that are still the caller's."""
    pipeline = client.pipeline(transaction=False)
    for number, token in locks.items():
        pipeline.execute_command("EVAL", UNLOCK, 1, _lock(hashes, number), token)
    pipeline.execute()


def _fill(
    query: Query, client: Client, hashes: Hashes, locks: dict[int, str], ttl: float | None
) -> dict[int, dict[str, str]]:
    """Make the hashes of these ids, and give their locks back. Returns what is in ClickHouse."""
    found = _from_clickhouse(query, hashes, locks)
    pipeline = client.pipeline(transaction=False)
    for number, token in locks.items():
        words = [word for pair in found[number].items() for word in pair] or [NOTHING, b""]
        lives = (ttl or 0) if found[number] else NOTHING_SECONDS
        keys = (hashes.key(number), _lock(hashes, number))
        pipeline.execute_command("EVAL", FILL, len(keys), *keys, token, round(lives * 1000), *words)
    pipeline.execute()
    return found


def _from_clickhouse(query: Query, hashes: Hashes, numbers: Iterable[int]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {number: {} for number in numbers}
    for line in query(f"{hashes.fields(hashes.among(found))} format TSV").splitlines():
        number, name, value = line.split("\t")
        found[int(number)][name] = value
    return found


def _lock(hashes: Hashes, number: int) -> str:
    """A key on the same node as the hash."""
    return f"{{{hashes.key(number)}}}:lock"
