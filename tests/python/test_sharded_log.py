"""An event log that is Distributed over two shards: real ClickHouse servers that form a cluster."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from conftest import (
    DBT,
    PARSED,
    REPO,
    Project,
    Sandbox,
    clean_environment,
    drop_databases,
    run_program,
    start_sandbox,
    stop_sandbox,
)
from event_log_checks import (
    BEFORE,
    MANY_PARTITIONS,
    assert_published_once,
    copy_landed,
    corrections,
    insert_events,
    leftovers,
    nothing_due,
    of_pairs,
    pairs_of,
    statements_of,
    unfinished,
)
from parsed_project import ParsedProject, Run, wait_until
from test_killed_runs import end_server, start_again

from sandbox.clickhouse import DBT_USER, statements

FOLLOWS = "user_engagement_events"
COLUMNS = (
    "(entityType LowCardinality(String), entityId Int32, userId Int32, metricType LowCardinality(String),"
    " metricValue Int32, createdAt DateTime64(3))"
)
KEYS = "partition by toYYYYMM(createdAt) order by (entityType, entityId, createdAt)"
ON_A_SHARD = f"{COLUMNS} engine = MergeTree {KEYS}"
BY_ENTITY = "cityHash64(entityType, entityId)"
AT_ONCE = "settings distributed_foreground_insert = 1, max_partitions_per_insert_block = 0"


@dataclass
class Sharded(ParsedProject):
    """A project whose log is spread over the two shards of its sandbox."""

    # The ClickHouse of the second shard. dbt speaks to that of the first.
    second: Sandbox | None = None

    @property
    def on_a_shard(self) -> str:
        return f"{self.event_log}_local"

    def on_each(self, sql: str) -> None:
        for node in (self.sandbox, self.second):
            node.command(sql)

    def create_log(self, first: str = ON_A_SHARD, second: str = ON_A_SHARD, engine: str = "", name: str = "") -> None:
        """An empty log. first, second: columns, engine and keys of its tables; engine: of the log."""
        for node, ddl in ((self.sandbox, first), (self.second, second)):
            if ddl:
                node.command(f"create table {self.on_a_shard} {ddl}")
        columns = first[: first.index(" engine")]
        over = f"Distributed('{{cluster}}', {self.database}, entityMetricEvents_local, {BY_ENTITY})"
        self.sandbox.command(f"create table {name or self.event_log} {columns} engine = {engine or over}")


def of_the_second(sandbox: Sandbox) -> Sandbox:
    port = json.loads((sandbox.dir / "state.json").read_text())["clickhouse_2"]["port"]
    return Sandbox(sandbox.dir, sandbox.env | {"CLICKHOUSE_PORT": str(port)})


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = start_sandbox(tmp_path_factory.mktemp("cluster") / "servers", "--cluster")
    try:
        yield sandbox
    finally:
        stop_sandbox(sandbox)


def sharded(parsed_once: ParsedProject, servers: Sandbox, database: str, target: Path) -> Sharded:
    """A project without a log."""
    project = Sharded(servers, database, target, manifest=parsed_once.manifest, second=of_the_second(servers))
    project.on_each(f"create database {database}")
    return project


def with_live_events(project: Sharded) -> Sharded:
    project.create_log()
    project.sandbox.command(f"insert into {project.event_log} select * from default.entityMetricEvents {AT_ONCE}")
    return project


@pytest.fixture(scope="module")
def spread(parsed_once: ParsedProject, servers: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Sharded:
    """Backfilled, audited, with its marts. Tests may add to it."""
    project = with_live_events(sharded(parsed_once, servers, "spread", tmp_path_factory.mktemp("spread")))
    build = ("build", "--exclude-resource-type", "unit_test", "--select")
    project.dbt(*build, "tag:backfill", "resource_type:seed")
    project.run("tag:marts")
    return project


@pytest.fixture
def empty(parsed_once: ParsedProject, servers: Sandbox, tmp_path: Path) -> Iterator[Sharded]:
    """Without a log."""
    project = sharded(parsed_once, servers, PARSED, tmp_path)
    yield project
    for node in (project.sandbox, project.second):
        drop_databases(node, project.database)


@pytest.fixture
def staged(empty: Sharded, spread: Sharded) -> Sharded:
    """With a log of live events, and everything landed."""
    copy_landed(spread, empty)
    return with_live_events(empty)


def content(project: Project) -> list[tuple]:
    """Count, sum and hash of each metric's events."""
    return project.sandbox.rows(
        "select toString(entityType), toString(metricType), count(), sum(metricValue),"
        f" sum(cityHash64(entityId, userId, metricValue, createdAt)) from {project.event_log} group by all order by all"
    )


# The whole way -------------------------------------------------------------------------------------------------------


def test_a_log_over_shards_holds_what_a_log_on_one_node_holds(spread: Sharded, backfilled: Project) -> None:
    assert_published_once(spread, backfilled)
    assert content(spread) == content(backfilled)
    # Each entity's events are on one shard.
    entities = f"select distinct entityType, entityId from {spread.on_a_shard}"
    first, second = (set(node.rows(entities)) for node in (spread.sandbox, spread.second))
    assert first
    assert second
    assert not first & second
    assert nothing_due(spread.dbt("build", "--exclude-resource-type", "unit_test", "--select", "tag:backfill"))
    assert_published_once(spread, backfilled)


def test_marts_follow_a_change_on_any_shard(spread: Sharded) -> None:
    assert "no month of the log has changed" in spread.run("tag:marts")
    spread.second.command(f"insert into {spread.on_a_shard} values ('User', 1, 4, 'Hidden', 5, '2024-08-09 00:00:00')")
    late = spread.dbt("test", "--select", "days_add_up_to_the_log", "totals_add_up_to_the_log", fails=True)
    assert late.count("User Hidden, entity id 1,") == 2
    assert "1 month rolled up" in spread.run("tag:marts")
    spread.second.command(f"delete from {spread.on_a_shard} where createdAt = '2024-08-09 00:00:00'")
    assert "1 month rolled up" in spread.run("tag:marts")
    # What users have received is what PostgreSQL counts once the drift is repaired.
    spread.dbt("test", "--select", "tag:marts", "--exclude", "user_metrics_are_what_postgres_counts")


def test_drift_is_repaired_and_parity_holds_again(spread: Sharded) -> None:
    spread.dbt("build", "--exclude-resource-type", "unit_test", "--select", "tag:reconcile")
    planted = {("Image", "ReactionHeart"): 1, ("Image", "ReactionLike"): 1, ("User", "Follower"): 3}
    assert corrections(spread).items() >= planted.items()
    assert "nothing to correct in" in spread.dbt("run", "--select", "tag:reconcile")
    spread.dbt("test", "--exclude-resource-type", "unit_test", "--exclude", "tag:marts")
    spread.dbt("test", "--select", "test_name:source_parity", parity="present")


@pytest.mark.parametrize("kinds", ["entities", "user-metrics"])
def test_hashes_are_pushed_settled_and_verified(spread: Sharded, kinds: str) -> None:
    spread.run("tag:marts")
    push = (REPO / "scripts" / "push_metrics.py", kinds)
    for options in (["--mode", "overwrite"], ["--verify", "all"]):
        code, output = run_program(*push, *options, env=spread.environment())
        assert code == 0, output
    assert " 0 differ, 0 missing" in output


def received(project: Sharded, query: str) -> int:
    """How many bytes the first node has received from the second while it answered a query."""
    count = "select value from system.events where event = 'NetworkReceiveBytes'"
    before = project.sandbox.value(count)
    project.sandbox.rows(query)
    return project.sandbox.value(count) - before


def test_shards_add_up_what_they_hold_and_send_only_what_a_look_up_asks_for(spread: Sharded) -> None:
    totals, log = f"{spread.database}.entity_metric_totals", f"{spread.database}.logged_events"
    # The open part of the totals lies in the log.
    event = "'Tag', 900000 + number % 7, number % 1000, 'Follower', 1, now64(3)"
    spread.second.command(f"insert into {spread.on_a_shard} select {event} from numbers(30000)")
    try:
        assert received(spread, f"select * from {log}") > 100_000
        assert received(spread, f"select entityType, sum(metricValue) from {log} group by entityType") < 10_000
        of_tags = f"select sum(metricValue) from {log} where entityType = 'Tag' and createdAt > '2024-08-08'"
        assert received(spread, of_tags) < 10_000
        of_one = "entityType = 'Tag' and entityId = 1001"
        assert received(spread, f"select metricType, total from {totals} where {of_one}") < 10_000
    finally:
        spread.second.command(f"delete from {spread.on_a_shard} where entityType = 'Tag' and entityId >= 900000")


# Killed in the middle of an insert -----------------------------------------------------------------------------------


def slow(project: Sharded, node: Sandbox, seconds_a_row: float = 0.006, times: int = 1) -> None:
    """Lets a shard take its time over a block of events. No function may sleep for more than three seconds a block."""
    for number in range(times):
        check = f"check sleepEachRow({seconds_a_row + number / 1e6}) = 0"
        node.command(f"alter table {project.on_a_shard} add constraint slow_{number} {check}")


def inserting(project: Sharded) -> list[str]:
    """The inserts that the second shard is at."""
    return statements_of(project.second, "INSERT INTO " + project.on_a_shard)


def publishing_at(project: Sharded, moment: Callable[[], object]) -> Run:
    run = project.start_publishing(FOLLOWS)
    wait_until(lambda: moment() or run.has_ended())
    assert not run.has_ended(), run.output
    return run


def test_a_run_killed_in_the_middle_of_an_insert_is_completed(staged: Sharded, backfilled: Project) -> None:
    slow(staged, staged.second)
    publishing_at(staged, lambda: inserting(staged)).kill()
    assert "is at work; waiting" in staged.publish(FOLLOWS)
    assert_published_once(staged, backfilled, FOLLOWS)
    assert nothing_due(staged.publish(FOLLOWS))


def test_an_insert_that_a_shard_goes_on_with_after_its_sender_is_gone_is_outlasted(
    staged: Sharded, backfilled: Project
) -> None:
    slow(staged, staged.second, times=6)
    run = publishing_at(staged, lambda: inserting(staged))
    # A shard that has not got the rows yet gives up with its sender.
    time.sleep(1)
    end_server(staged.sandbox, "clickhouse")
    assert run.wait() == 1
    start_again(staged.sandbox)
    assert inserting(staged)
    assert "Finishing the publication" in staged.publish(FOLLOWS)
    assert_published_once(staged, backfilled, FOLLOWS)
    assert nothing_due(staged.publish(FOLLOWS))


def test_a_shard_killed_in_the_middle_of_an_insert_loses_and_doubles_nothing(
    staged: Sharded, backfilled: Project
) -> None:
    slow(staged, staged.second)
    run = publishing_at(staged, lambda: inserting(staged))
    end_server(staged.sandbox, "clickhouse_2")
    assert run.wait() == 1
    assert len(unfinished(staged)) == 1
    start_again(staged.sandbox)
    assert "Finishing the publication" in staged.publish(FOLLOWS)
    assert_published_once(staged, backfilled, FOLLOWS)
    assert nothing_due(staged.publish(FOLLOWS))


# Who may ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def as_the_grants_name_it(servers: Sandbox) -> Iterator[None]:
    """A log made as docs/more-than-one-node.md shows, under the name that scripts/clickhouse_shard_grants.sql has."""
    log, second = "default.entityMetricEvents", of_the_second(servers)
    servers.command(f"rename table {log} to {log}_kept")
    page = (REPO / "docs" / "more-than-one-node.md").read_text()
    of_each, of_the_first = statements(page.split("```sql\n")[1].split("```")[0])
    for node in (servers, second):
        node.command(of_each)
    servers.command(of_the_first)
    servers.command(f"insert into {log} select * from {log}_kept {AT_ONCE}")
    yield
    servers.command(f"drop table {log} sync")
    for node in (servers, second):
        node.command(f"drop table {log}_local sync")
    servers.command(f"rename table {log}_kept to {log}")


@pytest.mark.usefixtures("as_the_grants_name_it")
def test_the_least_grants_are_enough(servers: Sandbox, tmp_path: Path) -> None:
    build = (
        DBT,
        "--no-use-colors",
        "build",
        "--target",
        "production",
        "--target-path",
        tmp_path,
        "--log-path",
        tmp_path,
    )
    only = ("--exclude-resource-type", "unit_test", "--select", "tag:tag")
    environment = clean_environment(**servers.env) | {"CLICKHOUSE_USER": DBT_USER}
    code, output = run_program(*build, *only, "entity_metric_rollup", env=environment)
    assert code == 0, output
    assert re.search("published_events: [0-9]+ events of 2 metrics published", output)


def test_a_user_who_leaves_out_shards_is_refused(empty: Sharded, tmp_path: Path) -> None:
    empty.create_log()
    profiles = yaml.safe_load((Path(empty.sandbox.env["DBT_PROFILES_DIR"]) / "profiles.yml").read_text())
    profiles["entity_metrics"]["outputs"]["sandbox"]["custom_settings"] = {"skip_unavailable_shards": 1}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profiles))
    careless = replace(
        empty, sandbox=Sandbox(empty.sandbox.dir, empty.sandbox.env | {"DBT_PROFILES_DIR": str(tmp_path)})
    )
    output = careless.backfill(fails=True)
    assert "The setting skip_unavailable_shards is on for the ClickHouse user sandbox" in output
    assert "START sql" not in output


# A shard that is down ------------------------------------------------------------------------------------------------


def test_a_shard_that_is_down_is_named_and_nothing_is_changed(spread: Sharded) -> None:
    before = spread.fingerprint()
    silent = f"127.0.0.1:{native_port(spread)} (shard 2)"
    said = f"{spread.event_log} cannot be read whole: of its cluster sandbox these nodes do not answer: {silent}."
    end_server(spread.sandbox, "clickhouse_2")
    try:
        for command in (["run", "--select", "tag:backfill"], ["run", "--select", "tag:marts"], ["test"]):
            output = " ".join(spread.dbt(*command, fails=True).split())
            assert said in output, output
            assert "START sql" not in output
            assert "START test" not in output
        push = (REPO / "scripts" / "push_metrics.py", "entities", "--mode", "overwrite", "--restart")
        code, output = run_program(*push, env=spread.environment())
        assert code != 0, output
        assert "All connection tries failed" in output
    finally:
        start_again(spread.sandbox)
    assert spread.fingerprint() == before
    assert leftovers(spread) == []
    assert nothing_due(spread.publish(FOLLOWS))


def native_port(project: Sharded) -> int:
    return json.loads((project.sandbox.dir / "state.json").read_text())["clickhouse_2"]["native_port"]


# What nobody can do through a Distributed log ------------------------------------------------------------------------

FOREIGN = ("User", 1, 4, "Following", 2, "2023-05-06 07:08:09.010")


def run_on_each_shard(project: Sharded, output: str) -> None:
    """As a person does with the statement that a message names."""
    (statement,) = re.findall(rf"(?:delete from {project.on_a_shard} where .*);", " ".join(output.split()))
    project.on_each(statement)


@pytest.mark.parametrize("choice", ["fail", "replace"])
def test_events_in_the_way_are_deleted_by_a_person_on_each_shard(
    staged: Sharded, backfilled: Project, choice: str
) -> None:
    insert_events(staged, FOREIGN, FOREIGN, ("Tag", *FOREIGN[1:]))
    staged.sandbox.command(f"system flush distributed {staged.event_log}")
    before = staged.fingerprint()
    output = staged.publish(FOLLOWS, fails=True, on_conflict=choice)
    assert "User Following, partition 202305: this run would publish" in output
    assert staged.fingerprint() == before
    assert leftovers(staged) == []
    run_on_each_shard(staged, output)
    staged.publish(FOLLOWS, on_conflict=choice)
    assert staged.fingerprint("entityType = 'User'") == backfilled.fingerprint(
        f"entityType = 'User' and not ({BEFORE} and not {of_pairs(pairs_of(FOLLOWS))})"
    )
    assert nothing_due(staged.publish(FOLLOWS))


def test_skip_keeps_what_is_in_the_way(staged: Sharded) -> None:
    insert_events(staged, FOREIGN)
    staged.sandbox.command(f"system flush distributed {staged.event_log}")
    staged.publish(FOLLOWS, on_conflict="skip")
    of_may = f"{of_pairs([('User', 'Following')])} and toYYYYMM(createdAt) = 202305"
    assert staged.fingerprint(of_may)[:2] == (1, 2)
    assert nothing_due(staged.publish(FOLLOWS))


def test_a_metric_is_removed_by_a_person_on_each_shard(staged: Sharded, backfilled: Project) -> None:
    staged.publish(FOLLOWS)
    # As if there had been another metric.
    ledger, log = f"{staged.database}.metric_publications", staged.on_a_shard
    of_ledger = f"select * replace ('Old' as metric_type) from {ledger} as l where l.metric_type = 'Hidden'"
    staged.sandbox.command(f"insert into {ledger} {of_ledger}")
    of_log = f"select * replace ('Old' as metricType) from {log} as l where l.metricType = 'Hidden' and {BEFORE}"
    staged.on_each(f"insert into {log} {of_log} {MANY_PARTITIONS}")
    events = staged.fingerprint(f"metricType = 'Old' and {BEFORE}")[0]
    remove = ("run-operation", "remove_metric", "--args", "{metric: User Old}")
    output = staged.dbt(*remove, fails=True)
    assert f"{events} events of User Old cannot be deleted through it. Nothing was removed." in output
    assert staged.fingerprint(f"metricType = 'Old' and {BEFORE}")[0] == events > 0
    run_on_each_shard(staged, output)
    assert "User Old: 0 backfilled events removed" in staged.dbt(*remove)
    assert "User Old" not in staged.publish(FOLLOWS)


# What the tables on the shards must be like ---------------------------------------------------------------------------


def over(database: str, rest: str) -> str:
    return f"Distributed(sandbox, {database}, entityMetricEvents_local{rest})"


@pytest.mark.parametrize(
    ("first", "second", "engine", "complaint"),
    [
        (
            ON_A_SHARD.replace("MergeTree", "ReplacingMergeTree"),
            ON_A_SHARD.replace("MergeTree", "ReplacingMergeTree"),
            "",
            "the engine of parsed.entityMetricEvents_local is ReplacingMergeTree, which changes events after",
        ),
        (
            ON_A_SHARD + " ttl toDateTime(createdAt) + interval 9 year",
            ON_A_SHARD + " ttl toDateTime(createdAt) + interval 9 year",
            "",
            "it has a TTL that deletes or changes events",
        ),
        (ON_A_SHARD, ON_A_SHARD + " ttl toDateTime(createdAt) + interval 9 year", "", "its tables differ"),
        (ON_A_SHARD, ON_A_SHARD.replace("userId Int32", "userId Int64"), "", "its tables differ"),
        (ON_A_SHARD, f"{COLUMNS} engine = MergeTree order by entityId", "", "its tables differ"),
        (ON_A_SHARD, "", "", "has no table parsed.entityMetricEvents_local that this user may see"),
        (ON_A_SHARD, ON_A_SHARD, over(PARSED, ""), "it has no sharding key"),
        (
            ON_A_SHARD,
            ON_A_SHARD,
            over(PARSED, f", {BY_ENTITY}") + " settings skip_unavailable_shards = 1",
            "it is set to skip_unavailable_shards",
        ),
        (
            ON_A_SHARD,
            ON_A_SHARD,
            over(PARSED, f", {BY_ENTITY}").replace("sandbox", "sandbox_replicas"),
            "it writes events to each replica of shard 1 by itself",
        ),
        (
            ON_A_SHARD,
            ON_A_SHARD,
            over(PARSED, f", {BY_ENTITY}").replace("sandbox", "sandbox_copies"),
            "the replicas of shard 1 do not replicate parsed.entityMetricEvents_local, which is a plain MergeTree",
        ),
        (
            ON_A_SHARD.replace("createdAt DateTime64(3))", "createdAt DateTime64(3), note String)"),
            ON_A_SHARD.replace("createdAt DateTime64(3))", "createdAt DateTime64(3), note String)"),
            "",
            "its column note has no default, and no event fills it",
        ),
    ],
)
def test_tables_that_would_not_keep_events_are_refused_before_anything_is_copied(
    empty: Sharded, first: str, second: str, engine: str, complaint: str
) -> None:
    empty.create_log(first, second, engine)
    output = " ".join(empty.backfill(fails=True).split())
    assert f"The event log {empty.event_log} cannot be published to. Nothing was copied." in output
    assert complaint in output
    tables = f"select name from system.tables where database like '{empty.database}%' order by name"
    assert empty.sandbox.rows(tables) == [("entityMetricEvents",), ("entityMetricEvents_local",)]


def test_a_column_that_differs_between_the_log_and_its_tables_is_refused(empty: Sharded) -> None:
    empty.create_log()
    empty.sandbox.command(f"alter table {empty.event_log} modify column userId Int64")
    said = "its column userId is Int64, but Int32 in parsed.entityMetricEvents_local"
    assert said in " ".join(empty.backfill(fails=True).split())


def test_views_on_a_shard_are_named_and_see_what_is_inserted(staged: Sharded, backfilled: Project) -> None:
    staged.second.command(f"create table {staged.database}.seen as {staged.on_a_shard}")
    view = f"{staged.database}.seen_by_view"
    staged.second.command(
        f"create materialized view {view} to {staged.database}.seen as select * from {staged.on_a_shard}"
    )
    for choice in ("stop", "skip"):
        output = " ".join(staged.publish(FOLLOWS, fails=True, log_views=choice).split())
        assert f"or its shards: {view} on 127.0.0.1:{native_port(staged)}. A Distributed log is inserted into" in output
    staged.publish(FOLLOWS, log_views="feed")
    assert_published_once(staged, backfilled, FOLLOWS)
    count = f"select count() from {staged.database}.%s where {BEFORE}"
    assert staged.second.rows(count % "seen") == staged.second.rows(count % "entityMetricEvents_local")
