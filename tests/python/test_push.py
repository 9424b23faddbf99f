"""Pushing to Redis: every hash is what the log adds up to, whatever dies or writes meanwhile."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest import mock

import clickhouse_connect
import psutil
import pytest
import redis
from click.testing import CliRunner
from conftest import REPO, Project, Sandbox, copy_tables, drop_databases, new_project
from parsed_project import ParsedProject, wait_until
from terminal import Terminal
from valkey_servers import behind_tls, cluster, valkey

import push_metrics

Hashes = dict[str, dict[str, str]]
# What an application does for an event, beside writing it to the log.
COUNT_ON = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2]) end"


@pytest.fixture(scope="module")
def served(backfilled: ParsedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose marts are built."""
    sandbox = backfilled.sandbox
    project = replace(backfilled, database="served", target=tmp_path_factory.mktemp("served"))
    new_project(sandbox, project.database, project.target)
    sandbox.command(f"drop table {project.event_log} sync")
    sandbox.command(f"create table {project.event_log} clone as {backfilled.event_log}")
    copy_tables(sandbox, backfilled.database, "served", "name like 'stg\\_%'")
    only = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    project.dbt("build", "--select", "engagement_weights", "tag:marts", *only)
    yield project
    drop_databases(sandbox, "served")


@pytest.fixture
def cache(sandbox: Sandbox) -> redis.Redis:
    """The sandbox's Valkey, empty."""
    client = redis.Redis.from_url(sandbox.env["REDIS_URL"])
    client.flushall()
    return client


@pytest.fixture
def push(served: Project) -> Callable[..., str]:
    """Runs the script in this process. Returns what it printed; a wrong exit code fails the test.

    With a REDIS_URL of its own, as the target production, all of which the environment names.
    """

    def run(*arguments: str, code: int = 0, **environment: str) -> str:
        if environment:
            environment |= {"CLICKHOUSE_DATABASE": served.database}
            arguments += ("--target", "production")
        with mock.patch.dict(os.environ, served.environment() | environment):
            done = CliRunner().invoke(push_metrics.main, arguments)
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    return run


def start(served: Project, *arguments: str, **options: object) -> subprocess.Popen:
    """Starts the script in a process of its own, in a group of its own."""
    command = [sys.executable, str(REPO / "scripts" / "push_metrics.py"), *arguments]
    return subprocess.Popen(command, env=served.environment(), start_new_session=True, **options)


def group_of(process: subprocess.Popen) -> list[psutil.Process]:
    """What still runs of a process group."""
    return [other for other in psutil.process_iter() if os_group(other.pid) == process.pid]


def os_group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def hashes(client: redis.Redis | redis.RedisCluster, pattern: str = "*") -> Hashes:
    """All hashes in Redis, and anything else that is there."""
    keys = sorted(client.scan_iter(pattern, count=1000))
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.hgetall(key)
    return {
        key.decode(): {name.decode(): value.decode() for name, value in fields.items()}
        for key, fields in zip(keys, pipeline.execute(), strict=True)
    }


def in_the_log(project: Project, where: str = "true") -> Hashes:
    """What the hashes of entities must be, from the log itself."""
    found: Hashes = {}
    for entity_type, entity_id, metric_type, total in project.sandbox.rows(
        f"select entityType, entityId, metricType, sum(metricValue) as total from {project.event_log} "
        f"where {where} group by all having total != 0"
    ):
        found.setdefault(f"entity:metrics:{entity_type}:{entity_id}", {})[metric_type] = str(total)
    return found


def without_zeros(found: Hashes) -> Hashes:
    """Where events were taken back while a hash was there, a 0 remains."""
    return {
        key: fields
        for key, with_zeros in found.items()
        if (fields := {name: value for name, value in with_zeros.items() if value != "0"})
    }


# What is pushed --------------------------------------------------------------------------------------------------


def test_every_entity_has_the_hash_that_its_events_add_up_to(
    push: Callable[..., str], cache: redis.Redis, served: Project
) -> None:
    output = push("entities")
    expected = in_the_log(served)
    assert hashes(cache) == expected
    assert f"{len(expected):,} written, 0 left as they are, 0 failed" in output
    assert "differ" not in push("entities", "--verify", "all", "--writer-lag", "0").replace("0 differ", "")


def test_users_have_their_metrics_and_reactions(push: Callable[..., str], cache: redis.Redis, served: Project) -> None:
    push("user-metrics")
    push("user-reactions")
    columns = served.sandbox.client.query("select * from served.user_metrics")
    expected = {}
    for row in columns.result_rows:
        fields = {name: f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)
                  for name, value in zip(columns.column_names, row, strict=True) if value}  # fmt: skip
        user_id = fields.pop("userId")
        expected[f"user:metrics:{user_id}"] = fields
    assert hashes(cache, "user:metrics:*") == {key: fields for key, fields in expected.items() if fields}
    assert len(expected) > 100

    flags = {"Like": 1, "Dislike": 2, "Laugh": 4, "Cry": 8, "Heart": 16}
    reactions: dict[str, dict[str, int]] = {}
    for user_id, image_id, reaction in served.sandbox.postgres(
        'select distinct "userId", "imageId", reaction::text from "ImageReaction"'
    ):
        of_user = reactions.setdefault(f"reactions:{user_id}", {})
        of_user[str(image_id)] = of_user.get(str(image_id), 0) + flags[reaction]
    assert hashes(cache, "reactions:*") == {
        key: {image: str(value) for image, value in of_user.items()} for key, of_user in reactions.items()
    }
    for command in ("user-metrics", "user-reactions"):
        assert " 0 differ, 0 missing" in push(command, "--verify", "all")


def test_some_types_ids_or_changes_alone_can_be_pushed(
    push: Callable[..., str], cache: redis.Redis, served: Project
) -> None:
    push("entities", "--entity-type", "Model", "--entity-type", "Tag")
    assert hashes(cache) == in_the_log(served, "entityType in ('Model', 'Tag')")
    cache.flushall()
    ids = [row[0] for row in served.sandbox.rows(
        f"select distinct entityId from {served.event_log} where entityType = 'Image' limit 3"
    )]  # fmt: skip
    push("entities", "--entity-type", "Image", "--ids", ",".join(map(str, [*ids, 999_999_999])))
    assert hashes(cache) == in_the_log(served, f"entityType = 'Image' and entityId in {tuple(ids)}")
    cache.flushall()
    push("entities", "--changed-since", "2024-08-20 00:00:00")
    changed = f"select entityType, entityId from {served.event_log} where createdAt >= '2024-08-20'"
    assert hashes(cache) == in_the_log(served, f"(entityType, entityId) in ({changed})")
    assert 0 < len(hashes(cache)) < len(in_the_log(served))


# How it is pushed ------------------------------------------------------------------------------------------------


def test_each_mode_writes_the_keys_it_says_and_each_hash_whole(
    push: Callable[..., str], cache: redis.Redis, served: Project
) -> None:
    expected = in_the_log(served, "entityType = 'Model'")
    first, second = sorted(expected)[:2]
    live = {"ThumbsUp": "77", "Gone": "1"}
    cache.hset(first, mapping=live)
    model = ("entities", "--entity-type", "Model")

    assert "1 written, " in push(*model, "--mode", "refresh")
    assert hashes(cache) == {first: expected[first]}
    cache.delete(first)
    cache.hset(second, mapping=live)
    assert ", 1 left as they are" in push(*model)
    assert hashes(cache) == expected | {second: live}
    push(*model, "--mode", "overwrite")
    assert hashes(cache) == expected


@pytest.fixture
def event(served: Project) -> Iterator[Callable[..., None]]:
    """Writes events of today to the log, for one test."""

    def write(entity_type: str, ids: list[int], metric_type: str, value: int) -> None:
        rows = ", ".join(f"('{entity_type}', {number}, 909, '{metric_type}', {value}, now64(3))" for number in ids)
        served.sandbox.command(f"insert into {served.event_log} values {rows}")

    yield write
    served.sandbox.command(f"delete from {served.event_log} where userId = 909")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_ends_a_push_in_one_line(served: Project, cache: redis.Redis, workers: str) -> None:
    options = ["--mode", "overwrite", "--max-rate", "50", "--restart", "--workers", workers]
    terminal = Terminal("scripts/push_metrics.py", "user-reactions", *options, env=served.environment())
    terminal.wait_for(lambda: cache.dbsize() > 1)
    assert terminal.ctrl_c() == ["Interrupted."]


@pytest.mark.parametrize("mode", ["refresh", "overwrite"])
def test_a_key_goes_when_nothing_is_left_of_its_metrics(
    push: Callable[..., str], cache: redis.Redis, served: Project, event: Callable[..., None], mode: str
) -> None:
    """An id below 0 is one like any other."""
    event("User", [-1], "Follower", 2)
    push("entities", "--entity-type", "User", "--ids", " -1", "--writer-lag", "0.1")
    assert hashes(cache) == {"entity:metrics:User:-1": {"Follower": "2"}}
    event("User", [-1], "Follower", -2)
    push("entities", "--entity-type", "User", "--mode", mode, "--writer-lag", "0.1")
    expected = in_the_log(served, "entityType = 'User'") if mode == "overwrite" else {}
    assert hashes(cache) == expected
    assert "entity:metrics:User:-1" not in expected


def test_a_refreshed_key_lives_no_longer_than_before(push: Callable[..., str], cache: redis.Redis) -> None:
    push("entities", "--entity-type", "Tag", "--ttl", "1000")
    push("entities", "--entity-type", "Tag", "--mode", "refresh")
    assert all(0 < cache.ttl(key) <= 1100 for key in cache.scan_iter())


@pytest.mark.parametrize("mode", ["populate", "refresh", "overwrite"])
def test_keys_live_as_long_as_they_are_told_to(push: Callable[..., str], cache: redis.Redis, mode: str) -> None:
    tags = ("entities", "--entity-type", "Tag")
    push(*tags)
    keys = list(cache.scan_iter())
    assert {cache.pttl(key) for key in keys} == {-1}
    if mode == "populate":
        cache.flushall()
    push(*tags, "--mode", mode, "--ttl", "1000", "--ttl-jitter", "0.5")
    left = [cache.pttl(key) for key in keys]
    assert 990_000 < min(left) < 1_100_000
    assert 1_400_000 < max(left) <= 1_500_000


def test_a_reader_sees_a_hash_before_or_after_and_nothing_else(
    push: Callable[..., str], cache: redis.Redis, served: Project
) -> None:
    expected = in_the_log(served, "entityType = 'Tag'")
    old = {"Old": "1", "Hidden": "5"}
    for key in expected:
        cache.hset(key, mapping=old)
    seen, stop = [], threading.Event()

    def look() -> None:
        with cache.client() as one:
            while not stop.is_set():
                for key in expected:
                    seen.append((key, {name.decode(): value.decode() for name, value in one.hgetall(key).items()}))

    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(look)
        try:
            wait_until(lambda: seen)
            for _ in range(5):
                push("entities", "--entity-type", "Tag", "--mode", "overwrite")
        finally:
            stop.set()
        looking.result()
    assert all(fields in (old, expected[key]) for key, fields in seen)
    assert {fields == old for _, fields in seen} == {True, False}


def test_a_rate_is_kept_and_a_line_tells_how_far_it_is(
    push: Callable[..., str], cache: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_metrics, "LINE_EVERY", 0)
    began = time.monotonic()
    output = push("entities", "--entity-type", "Tag", "--max-rate", "100")
    assert cache.dbsize() / 100 * 0.8 < time.monotonic() - began
    assert re.search(r"\d+ of \d+ keys, [\d,]+ a second, \d+ s left", output)


def test_a_dry_run_says_how_many_and_writes_nothing(
    push: Callable[..., str], cache: redis.Redis, served: Project
) -> None:
    output = push("entities", "--entity-type", "Model", "--dry-run", REDIS_URL="redis://127.0.0.1:1")
    keys = len(in_the_log(served, "entityType = 'Model'"))
    assert f"Model: at most {keys:,} keys; those that are not there yet would be written" in output
    assert cache.dbsize() == 0


def test_verifying_names_what_differs_and_what_is_missing(
    push: Callable[..., str], cache: redis.Redis, served: Project
) -> None:
    model = ("entities", "--entity-type", "Model")
    push(*model)
    expected = in_the_log(served, "entityType = 'Model'")
    changed, extended, gone = sorted(expected)[:3]
    name = next(iter(expected[changed]))
    cache.hincrby(changed, name, 3)
    cache.hset(extended, "Unheard", 2)
    cache.delete(gone)
    cache.hset(sorted(expected)[3], "Nothing", 0)
    output = push(*model, "--verify", "all", "--writer-lag", "0", code=1)
    assert f"{len(expected) - 3:,} keys equal, 2 differ, 1 missing, 0 changing" in output
    assert f"{changed}: {name} is off by +3\n" in output
    assert f"{extended}: Unheard is off by +2\n" in output
    assert "Model: 1 key is missing" in output
    push(*model, "--mode", "overwrite")
    assert " 0 differ, 0 missing, 0 changing" in push(*model, "--verify", "sample", "--writer-lag", "0")


@pytest.mark.parametrize("value", [b"much", b"nan", b"\xff"])
def test_a_field_that_is_no_count_is_named(
    push: Callable[..., str], cache: redis.Redis, served: Project, value: bytes
) -> None:
    model = ("entities", "--entity-type", "Model")
    push(*model)
    expected = in_the_log(served, "entityType = 'Model'")
    key = sorted(expected)[0]
    cache.hset(key, "Odd", value)
    output = push(*model, "--verify", "all", "--writer-lag", "0", code=1)
    assert f"{len(expected) - 1:,} keys equal, 1 differ" in output
    assert f"{key} has" in output and "in its field 'Odd', which is no count: delete it" in output


def test_a_key_of_another_type_is_named_and_left_alone(
    push: Callable[..., str], cache: redis.Redis, served: Project
) -> None:
    expected = in_the_log(served, "entityType = 'Model'")
    key = sorted(expected)[0]
    cache.set(key, "somebody's")
    for mode in ("populate", "refresh", "overwrite"):
        output = push("entities", "--entity-type", "Model", "--mode", mode, code=1)
        assert ", 1 failed" in output
        assert f"{key}: WRONGTYPE it is a string, not a hash: find out who wrote it, and delete it" in output
        assert cache.get(key) == b"somebody's"
    output = push("entities", "--entity-type", "Model", "--verify", "all", "--writer-lag", "0", code=1)
    assert f"{len(expected) - 1:,} keys equal, 1 differ" in output
    assert f"{key}: WRONGTYPE" in output


def test_a_field_may_have_any_name(push: Callable[..., str], cache: redis.Redis, served: Project) -> None:
    hostile = "a\r\n*1\r\n$8\r\nFLUSHALL\r\n\t' }"
    text = hostile.replace("'", "\\'").replace("\r\n", "\\r\\n").replace("\t", "\\t")
    served.sandbox.command(f"insert into {served.event_log} values ('Bounty', 1, 909, '{text}', 3, now64(3))")
    bounties = ("entities", "--entity-type", "Bounty", "--writer-lag", "0")
    try:
        push(*bounties)
        assert hashes(cache)["entity:metrics:Bounty:1"][hostile] == "3"
        assert " 0 differ, 0 missing" in push(*bounties, "--verify", "all")
    finally:
        served.sandbox.command(f"delete from {served.event_log} where userId = 909")


# Under traffic ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["populate", "overwrite"])
def test_beside_a_writer_every_key_ends_as_the_log_does(
    push: Callable[..., str], cache: redis.Redis, served: Project, mode: str
) -> None:
    """Events go to the log and then, a little later, to the key: before, while and after it is written."""
    sandbox, stop = served.sandbox, threading.Event()
    # Of what the writers leave alone, something remains: a key whose counts are all 0 is removed, and nothing is added
    # to a key that is not there.
    ids = [
        row[0]
        for row in sandbox.rows(
            f"select distinct entityId from (select entityId from {served.event_log} where entityType = 'Image'"
            " and metricType not in ('Comment', 'Buzz') group by entityId, metricType having sum(metricValue) != 0)"
        )
    ]
    if mode == "overwrite":
        push("entities", "--entity-type", "Image")
    written = []

    def write(seed: int) -> None:
        random_ids = random.Random(seed)
        count_on = cache.register_script(COUNT_ON)
        while not stop.is_set():
            events = [(random_ids.choice(ids), random_ids.choice(["Comment", "Buzz"]), random_ids.choice([1, 1, 5, -1]))
                      for _ in range(20)]  # fmt: skip
            rows = ", ".join(f"('Image', {number}, 1, '{name}', {value}, now64(3))" for number, name, value in events)
            sandbox.command(f"insert into {served.event_log} values {rows}")
            time.sleep(random_ids.uniform(0, 0.2))
            for number, name, value in events:
                count_on(keys=[f"entity:metrics:Image:{number}"], args=[name, value])
                written.append(number)

    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write, seed) for seed in (1, 2)]
        try:
            wait_until(lambda: len(written) > 50 or writers[0].done())
            # Slow enough for many events to come between reading the totals and writing the keys.
            output = push(
                *("entities", "--entity-type", "Image", "--mode", mode),
                *("--max-rate", str(len(ids) / 2), "--writer-lag", "0.3"),
            )
        finally:
            stop.set()
        for writer in writers:
            writer.result()
    assert without_zeros(hashes(cache)) == in_the_log(served, "entityType = 'Image'")
    counts = re.search(r"([\d,]+) entit(?:y|ies) had events meanwhile; ([\d,]+) keys? corrected", output)
    changed, corrected = (int(count.replace(",", "")) for count in counts.groups())
    assert changed >= corrected > 0


def test_an_entity_that_never_rests_is_named(push: Callable[..., str], cache: redis.Redis, served: Project) -> None:
    [(number,)] = served.sandbox.rows(f"select min(entityId) from {served.event_log} where entityType = 'Tag'")
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            served.sandbox.command(
                f"insert into {served.event_log} values ('Tag', {number}, 1, 'Follower', 1, now64(3))"
            )
            time.sleep(0.05)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        time.sleep(0.3)
        output = push("entities", "--entity-type", "Tag", "--writer-lag", "0.5", "--settle-for", "1", code=1)
        stop.set()
        writing.result()
    assert f"entity:metrics:Tag:{number} had an event every 1 seconds and could not be checked" in output


# Whatever dies ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["1", "3"])
def test_a_killed_push_goes_on_where_it_stood(
    push: Callable[..., str], cache: redis.Redis, served: Project, workers: str
) -> None:
    """Its workers are not killed with it: they notice."""
    images = ("entities", "--entity-type", "Article", "--entity-type", "Image", "--mode", "overwrite")
    images += ("--workers", workers)
    # So slow that a worker that noticed nothing would go on for long.
    process = start(served, *images, "--max-rate", "300", stdout=subprocess.DEVNULL)
    wait_until(lambda: cache.keys(f"{push_metrics.STATE}*") and cache.dbsize() > 300)
    process.kill()
    process.wait()
    killed_at = time.monotonic()
    wait_until(lambda: not group_of(process))
    assert time.monotonic() - killed_at < 3
    expected = in_the_log(served, "entityType in ('Article', 'Image')")
    there = hashes(cache, "entity:metrics:*")
    assert len(there) < len(expected)
    assert all(fields == expected[key] for key, fields in there.items())
    done = next(key for key in there if ":Article:" in key)
    cache.hset(done, "Live", 1)
    assert "Going on after Article" in push(*images)
    assert hashes(cache) == expected | {done: expected[done] | {"Live": "1"}}
    assert "Going on" not in push(*images)
    assert hashes(cache) == expected

    cache.flushall()
    process = start(served, *images, "--max-rate", "1000", stdout=subprocess.DEVNULL)
    wait_until(lambda: cache.dbsize() > 1000)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "Going on" not in push(*images, "--restart")
    assert hashes(cache) == expected


def test_events_beside_a_push_that_is_killed_in_its_first_range_are_not_lost(
    push: Callable[..., str], cache: redis.Redis, served: Project, event: Callable[..., None]
) -> None:
    images = ("entities", "--entity-type", "Image", "--writer-lag", "0.3")
    expected = in_the_log(served, "entityType = 'Image'")
    process = start(served, *images, "--max-rate", str(len(expected) / 3), stdout=subprocess.DEVNULL)
    wait_until(lambda: cache.dbsize() > 50)
    # Read already, and not yet written: so the application has no key to count these on.
    late = [int(key.rsplit(":", 1)[1]) for key in set(expected) - set(hashes(cache, "entity:*"))]
    event("Image", late, "Buzz", 7)
    there = cache.dbsize()
    wait_until(lambda: cache.dbsize() > there + 100)
    process.kill()
    process.wait()
    assert cache.dbsize() < len(expected)
    assert f"{len(late):,} entities had events meanwhile" in push(*images)
    assert hashes(cache) == in_the_log(served, "entityType = 'Image'")


def test_a_redis_that_comes_back_gets_the_rest_and_one_that_does_not_is_an_error(
    push: Callable[..., str], served: Project, tmp_path: Path
) -> None:
    expected = in_the_log(served, "entityType = 'Image'")
    images = ("entities", "--entity-type", "Image", "--max-rate", str(len(expected)))
    with valkey(tmp_path / "valkey") as server, ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(push, *images, REDIS_URL=server.url)
        wait_until(lambda: server.client.dbsize() > 100 or pushing.done())
        server.stop()
        time.sleep(0.5)
        server.start()
        pushing.result()
        assert hashes(server.client) == expected

        server.client.flushall()
        pushing = pool.submit(push, *images, "--retry-for", "0.5", REDIS_URL=server.url, code=2)
        wait_until(lambda: server.client.dbsize() > 100 or pushing.done())
        server.stop()
        assert f"Redis at 127.0.0.1:{server.port} cannot be worked with" in pushing.result()
        server.start()
        push(*images[:3], REDIS_URL=server.url)
        assert hashes(server.client) == expected


def test_a_full_redis_stops_it_at_once_with_advice(push: Callable[..., str], served: Project, tmp_path: Path) -> None:
    with valkey(tmp_path / "valkey", "--maxmemory-policy", "noeviction") as server:
        server.client.config_set("maxmemory", server.client.info("memory")["used_memory"] + 200_000)
        output = push("entities", "--entity-type", "Image", REDIS_URL=server.url, code=2)
        assert f"Redis at 127.0.0.1:{server.port} is full: command not allowed when used memory" in output
        assert "maxmemory" in output
        expected, there = in_the_log(served, "entityType = 'Image'"), hashes(server.client, "entity:*")
        assert 0 < len(there) < len(expected)
        assert all(fields == expected[key] for key, fields in there.items())


def test_keys_that_are_evicted_meanwhile_are_named(push: Callable[..., str], served: Project, tmp_path: Path) -> None:
    with valkey(tmp_path / "valkey", "--maxmemory-policy", "allkeys-lru") as server:
        server.client.config_set("maxmemory", server.client.info("memory")["used_memory"] + 400_000)
        output = push("entities", "--entity-type", "Image", REDIS_URL=server.url, code=1)
        assert " 0 failed" in output
        assert re.search(r"Redis has evicted [1-9][\d,]* keys? meanwhile: give it more memory", output)


def test_what_a_user_may_not_write_is_counted_and_named(
    push: Callable[..., str], served: Project, tmp_path: Path
) -> None:
    keys = ("~entity:metrics:Model:*", f"~{push_metrics.STATE}*")
    with valkey(tmp_path / "valkey") as server:
        allowed = ["+@read", "+@write", "+@scripting", "+@connection", "+info"]
        server.client.execute_command("ACL", "SETUSER", "pusher", "on", ">secret", *keys, *allowed)
        url = server.url.replace("//", "//pusher:secret@")
        kinds = ("--entity-type", "Model", "--entity-type", "Bounty")
        output = push("entities", *kinds, REDIS_URL=url, code=1)
        failed = len(in_the_log(served, "entityType = 'Bounty'"))
        assert f"{failed} failed" in output
        assert re.search(r"entity:metrics:Bounty:\d+: No permissions to access a key", output)
        assert hashes(server.client, "entity:*") == in_the_log(served, "entityType = 'Model'")
        output = push("entities", *kinds, REDIS_URL=url.replace("secret", "wrong-one"), code=2)
        assert "WRONGPASS" in output or "invalid username-password" in output
        assert "wrong-one" not in output


def test_a_cluster_and_one_of_its_nodes_that_restarts(
    push: Callable[..., str], served: Project, tmp_path: Path
) -> None:
    expected = in_the_log(served, "entityType in ('Image', 'User')")
    kinds = ("--entity-type", "Image", "--entity-type", "User")
    with cluster(tmp_path / "cluster") as nodes, ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(
            push, "entities", *kinds, "--max-rate", str(len(expected) / 2), "--ttl", "500", REDIS_URL=nodes[0].url
        )
        wait_until(lambda: nodes[2].client.dbsize() > 50 or pushing.done())
        nodes[2].stop()
        time.sleep(0.5)
        nodes[2].start()
        pushing.result()
        assert all(node.client.dbsize() > len(expected) / 4 for node in nodes)
        client = redis.RedisCluster.from_url(nodes[1].url)
        assert hashes(client) == expected
        for mode in ("refresh", "overwrite"):
            push("entities", *kinds, "--mode", mode, REDIS_URL=nodes[1].url)
            assert hashes(client) == expected
        push("entities", *kinds, "--verify", "sample", "--writer-lag", "0", REDIS_URL=nodes[2].url)


def test_tls_and_users_in_the_url(push: Callable[..., str], served: Project, tmp_path: Path) -> None:
    with valkey(tmp_path / "valkey", "--requirepass", "secret") as server, behind_tls(server, tmp_path) as url:
        kinds = ("--entity-type", "Model", "--entity-type", "Image")
        push("entities", *kinds, REDIS_URL=url.replace("//", "//default:secret@"))
        client = redis.Redis(port=server.port, password="secret")
        assert hashes(client) == in_the_log(served, "entityType in ('Model', 'Image')")
        untrusted = url.split("?")[0].replace("//", "//default:secret@")
        assert "CERTIFICATE_VERIFY_FAILED" in push("entities", *kinds, "--retry-for", "0", REDIS_URL=untrusted, code=2)


def test_where_clickhouse_fails_in_the_middle_what_was_written_is_whole(
    push: Callable[..., str], cache: redis.Redis, served: Project
) -> None:
    expected, table = in_the_log(served, "entityType = 'Image'"), f"{served.database}.entity_hashes"
    view = served.sandbox.value(
        f"select as_select from system.tables where database = '{served.database}' and name = 'entity_hashes'"
    )
    fails = "throwIf(id = (select max(entityId) from served.entity_metric_totals where entityType = 'Image'))"
    served.sandbox.command(f"create or replace view {table} as select * from ({view}) order by id, {fails}")
    images = ("entities", "--entity-type", "Image", "--max-rate", "2000", "--writer-lag", "0")
    try:
        assert "Value passed to 'throwIf' function is non-zero" in push(*images, code=2)
        there = hashes(cache, "entity:*")
        assert len(there) < len(expected)
        assert all(fields == expected[key] for key, fields in there.items())
    finally:
        served.sandbox.command(f"create or replace view {table} as {view}")
    push(*images)
    assert hashes(cache) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["entities", "--entity-type", "Modell"], "'Modell' is none of Article, Bounty,"),
        (["entities", "--ids", "1,b"], "'1,b' is no list such as 1,2,3."),
        (["entities", "--ids", str(2**64 + 1)], f"'{2**64 + 1}' is no list such as 1,2,3."),
        (["entities", "--changed-since", "yesterday"], "'yesterday' is no time such as '2026-01-31 12:00:00'."),
        (["user-metrics", "--ttl", "0"], "0.0 is not in the range x>=0.001"),
    ],
)
def test_bad_input_is_refused(push: Callable[..., str], arguments: list[str], message: str) -> None:
    assert message in push(*arguments, code=2)


@pytest.mark.parametrize("url", ["s3cret:6379", "redis://:s3cret/x@127.0.0.1:6379/0", "redis://127.0.0.1/0?db=s3cret"])
def test_a_url_that_is_none_is_refused_without_showing_its_password(push: Callable[..., str], url: str) -> None:
    output = push("entities", REDIS_URL=url, code=2)
    assert "REDIS_URL is no URL that Redis can be found by" in output
    assert "s3cret" not in output


# Reading ---------------------------------------------------------------------------------------------------------


def test_the_reader_of_the_documentation_fills_gaps_and_remembers_nothing(cache: redis.Redis, served: Project) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (REPO / "docs" / "serving.md").read_text(), re.S)
    names: dict = {}
    exec(example, names)
    client = clickhouse_connect.get_client(
        dsn=served.sandbox.clickhouse_url, database=served.database, autogenerate_session_id=False
    )
    expected = {
        int(key.rsplit(":", 1)[1]): {name: int(value) for name, value in fields.items()}
        for key, fields in in_the_log(served, "entityType = 'Model'").items()
    }
    first, *others = sorted(expected)[:20]
    cache.hset(f"entity:metrics:Model:{first}", mapping={"Download": 7})
    ids = [first, *others, 999_999_999]
    wanted = {number: expected.get(number, {}) for number in ids} | {first: {"Download": 7}}
    for _ in range(2):
        assert names["read_metrics"](client, cache, "Model", ids) == wanted
    assert len(hashes(cache)) == len(ids)
    assert 0 < cache.ttl(f"entity:metrics:Model:{others[0]}") <= 86400
    assert 0 < cache.ttl("entity:metrics:Model:999999999") <= 60
