"""The plans: their SQL, their script and their rules do on real servers what the pages say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
import redis
import yaml
from clickhouse_connect.driver.external import ExternalData
from conftest import REPO, Sandbox, drop_databases

DATABASE = "plans"
REACTIONS, MONITORING, FEEDS = "image-reaction-replacement", "cache-monitoring", "post-model-feed"
EVENT = ["entityType String", "entityId Int32", "userId Int32", "metricType String", "metricValue Int32"]
# A user's reactions to two images, and somebody else's.
ROWS = """
(1, 5, 'Like', '2024-01-01 00:00:00.123'), (1, 5, 'Heart', '2024-01-02'), (1, 6, 'Dislike', '2024-01-01'),
(2, 5, 'Cry', '2024-01-01')
"""


def blocks(page: str, language: str) -> list[str]:
    """The code of a plan in a language, with the tables in the tests' own database."""
    code = re.findall(rf"^```{language}\n(.*?)^```$", (REPO / f"docs/plans/{page}.md").read_text(), re.M | re.S)
    return [
        re.sub(r"\b(default|metrics)\.|\b(?=feed_metric_changes|feed_windows)", f"{DATABASE}.", text) for text in code
    ]


def the_one(page: str, language: str, words: str) -> str:
    """The block that contains the words."""
    (found,) = [block for block in blocks(page, language) if words in block]
    return found


@pytest.fixture
def clickhouse(sandbox: Sandbox) -> Iterator[Sandbox]:
    """ClickHouse with an empty database for the tables of a plan."""
    drop_databases(sandbox, DATABASE)
    sandbox.command(f"create database {DATABASE}")
    yield sandbox
    drop_databases(sandbox, DATABASE)


@pytest.fixture
def states(clickhouse: Sandbox) -> Sandbox:
    """The tables of states, backfilled twice."""
    for statement in the_one(REACTIONS, "sql", "create materialized view").rstrip(";\n").split(";\n"):
        clickhouse.command(statement)
    columns = "userId Int32, imageId Int32, reaction LowCardinality(String), createdAt DateTime64(3, 'UTC')"
    clickhouse.command(f"create table {DATABASE}.stg_image_reaction ({columns}) engine = Memory")
    clickhouse.command(f"insert into {DATABASE}.stg_image_reaction values {ROWS}")
    for _ in range(2):
        clickhouse.command(the_one(REACTIONS, "sql", "stg_image_reaction"))
    return clickhouse


def test_a_hash_can_be_loaded_from_the_states_and_an_image_knows_who_reacted(states: Sandbox) -> None:
    load = the_one(REACTIONS, "sql", "limit 100001")
    flags = {user: dict(states.client.query(load, parameters={"user": user}).result_rows) for user in (1, 2, 3)}
    assert flags == {1: {5: 17, 6: 2}, 2: {5: 8}, 3: {}}
    times = (
        f"select toString(createdAt) from {DATABASE}.imageReactions final where imageId = 5 order by version limit 2"
    )
    assert states.rows(times) == [("2024-01-01 00:00:00.000",), ("2024-01-01 00:00:00.123",)]

    page = " ".join((REPO / f"docs/plans/{REACTIONS}.md").read_text().replace("default.", f"{DATABASE}.").split())
    who = re.search(r"`(select userId, [^`]*)`", page)[1]
    assert sorted(states.client.query(who, parameters={"image": 5}).result_rows) == [(1, 17), (2, 8)]
    remove = re.search(r"`(insert into plans.imageReactions [^`]*)`", page)[1]
    states.client.command(remove, parameters={"user": 1, "version": 2 * 10**18})
    assert states.client.query(load, parameters={"user": 1}).result_rows == []
    assert states.client.query(who, parameters={"image": 5}).result_rows == [(2, 8)]


def test_a_batch_that_is_sent_again_is_in_the_log_once(clickhouse: Sandbox) -> None:
    clickhouse.command(
        f"create table {DATABASE}.entityMetricEvents ({', '.join(EVENT)}, createdAt DateTime64(3))"
        " engine = MergeTree order by (entityType, entityId, createdAt)"
    )
    insert = the_one(REACTIONS, "sql", "reactionBatch")
    events = ["Image\t5\t1\tReactionLike\t1", "Post\t9\t1\tReactionLike\t1", "User\t3\t1\tUserImageReaction\t1"]

    def send(*lines: str) -> None:
        data = "\n".join(f"{line}\t2024-02-01 00:00:00.500" for line in lines).encode()
        structure = [*EVENT, "createdAt DateTime64(3)"]
        batch = ExternalData(file_name="reactionBatch", data=data, fmt="TSV", structure=structure)
        between = {"first": "2024-02-01 00:00:00.000", "last": "2024-02-01 00:00:01.000"}
        clickhouse.client.query(insert, parameters=between, external_data=batch)

    # A consumer that was killed half way, and two more attempts; then the same image again, by somebody else.
    for sent in (events[:2], events, events, ["Image\t5\t2\tReactionLike\t1"]):
        send(*sent)
    logged = f"select entityType, entityId, userId from {DATABASE}.entityMetricEvents order by all"
    assert clickhouse.rows(logged) == [("Image", 5, 1), ("Image", 5, 2), ("Post", 9, 1), ("User", 3, 1)]


@pytest.fixture
def cache(sandbox: Sandbox) -> redis.Redis:
    """The sandbox's Valkey, empty."""
    client = redis.Redis.from_url(sandbox.env["REDIS_URL"], decode_responses=True)
    client.flushall()
    return client


@pytest.fixture
def click(cache: redis.Redis) -> Callable[..., list]:
    """A user's click on a reaction to image 5, by the plan's script."""
    script = cache.register_script(*blocks(REACTIONS, "lua"))

    def call(user: int, kind: int, wanted: str, request: str) -> list:
        keys = [f"reactions:{user}", f"reactions:pending:{user}", f"reactions:request:{request}", "reactions:outbox"]
        return script(keys=keys, args=[user, 5, kind, wanted])

    return call


def test_a_click_counts_once_however_often_it_arrives(cache: redis.Redis, click: Callable[..., list]) -> None:
    assert click(1, 1, "flip", "a") == [-1, -1, "load"]
    cache.hset("reactions:1", "", "")
    assert click(1, 1, "flip", "a")[:2] == [0, 1]
    assert click(1, 1, "flip", "a") == [0, 1, "repeated"]
    assert click(1, 16, "on", "b")[:2] == [1, 17]
    assert click(1, 16, "on", "c") == [17, 17, "unchanged"]
    assert cache.hgetall("reactions:1") == {"": "", "5": "17"}
    assert click(1, 1, "off", "d")[:2] == [17, 16]
    last = click(1, 16, "flip", "e")
    assert last[:2] == [16, 0]
    assert cache.hgetall("reactions:1") == {"": ""}
    changes = [(fields["kind"], fields["isOn"]) for _, fields in cache.xrange("reactions:outbox")]
    assert changes == [("1", "1"), ("16", "1"), ("1", "0"), ("16", "0")]
    assert cache.hget("reactions:pending:1", "5:16") == f"0 {last[2]}"
    assert 0 < cache.ttl("reactions:1") <= 30 * 86400
    assert cache.ttl("reactions:outbox") == cache.ttl("reactions:pending:1") == -1


def test_a_partial_hash_is_asked_only_for_what_it_knows(cache: redis.Redis, click: Callable[..., list]) -> None:
    cache.hset("reactions:2", "", "partial")
    assert click(2, 1, "on", "a") == [-1, -1, "load"]
    cache.hset("reactions:2", "5", "0")
    assert click(2, 1, "on", "a")[:2] == [0, 1]
    assert click(2, 1, "off", "b")[:2] == [1, 0]
    assert cache.hgetall("reactions:2") == {"": "partial", "5": "0"}


def test_a_hash_that_was_pushed_stays_when_its_last_reaction_goes(
    cache: redis.Redis, click: Callable[..., list]
) -> None:
    cache.hset("reactions:3", "5", "1")
    assert click(3, 1, "off", "a")[:2] == [1, 0]
    assert cache.hgetall("reactions:3") == {"": ""}


def test_what_was_pushed_is_pushed_again_only_if_it_changed(clickhouse: Sandbox) -> None:
    create, differing = the_one(FEEDS, "sql", "create table").split(";\n")
    clickhouse.command(create)
    columns = "entityType String, entityId Int32, counts Map(String, Int64)"
    clickhouse.command(f"create table {DATABASE}.feed_windows ({columns}) engine = Memory")
    counts = "{'weekReactions': 3, 'dayReactions': 1}"
    clickhouse.command(f"insert into {DATABASE}.feed_windows values ('Post', 1, {counts}), ('Post', 2, {counts})")

    def due() -> list[int]:
        return sorted(row[0] for row in clickhouse.client.query(differing, parameters={"build": 1}).result_rows)

    def push(where: str, task: int, hash: str = "cityHash64(toString(mapSort(counts)))") -> None:
        rows = f"select 1, entityId, {hash}, {task} from {DATABASE}.feed_windows where {where}"
        clickhouse.command(f"insert into {DATABASE}.feedPushed {rows}")

    assert due() == [1, 2]
    push("true", task=10)
    assert due() == []
    # What a later task has sent is what the document holds, whichever is entered first.
    push("entityId = 1", task=12, hash="7")
    push("entityId = 1", task=11)
    assert due() == [1]


def test_alerts_name_rules_and_metrics_that_the_plan_has() -> None:
    groups = yaml.safe_load(*blocks(MONITORING, "yaml"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    recorded = {rule["record"] for rule in rules if "record" in rule}
    asked = {name for rule in rules for name in re.findall(r"\bcache:\w+:\w+", rule["expr"])}
    assert asked <= recorded
    page = (REPO / f"docs/plans/{MONITORING}.md").read_text()
    listed = set(re.findall(r"^\| `(app_\w+)", page, re.M))
    counted = {name for rule in rules for name in re.findall(r"\bapp_cache_\w+", rule["expr"])}
    assert {name.removesuffix("_bucket") for name in counted} <= listed
    assert {rule["labels"]["severity"] for rule in rules if "alert" in rule} == {"page", "ticket"}
