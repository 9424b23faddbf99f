"""Publication into the event log, protocol by protocol: dead runs, foreign hands, moved cutoffs, and their traces."""

from __future__ import annotations

import random
import re
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from conftest import Project, Sandbox
from event_log_checks import (
    BEFORE,
    CUTOFF,
    LIVE,
    closed_windows,
    ledger,
    leftovers,
    of_pairs,
    pairs_of,
    parts,
    statements_of,
    totals,
    undisturbed,
)
from parsed_project import ParsedProject, wait_until

FOLLOWS = "user_engagement_events"
COLUMNS = "entityType, entityId, userId, metricType, metricValue, createdAt"
CUTOFF_MILLISECONDS = 1_723_045_479_044
BEGINNING = "1970-01-01 00:00:00.000"
FOLLOWING = of_pairs([("User", "Following")])
OF_MAY = f"{FOLLOWING} and toYYYYMM(createdAt) = 202305"


def forget_published(project: Project) -> None:
    """As if the run had died before it could enter what it had published."""
    published = f"alter table {project.database}.metric_publications delete where state = 'published'"
    project.sandbox.command(f"{published} settings mutations_sync = 2")


def delete_events(project: Project, where: str) -> int:
    """Deletes events of the log, never live ones. Returns how many."""
    (events,) = project.sandbox.rows(f"select count() from {project.event_log} where {BEFORE} and ({where})")[0]
    assert events > 0, "the case is empty"
    project.sandbox.command(f"delete from {project.event_log} where {BEFORE} and ({where})")
    return events


def insert_events(project: Project, *events: tuple[str, int, int, str, int, str]) -> None:
    values = ", ".join(str(event) for event in events)
    project.sandbox.command(f"insert into {project.event_log} ({COLUMNS}) values {values}")


def content(project: Project) -> tuple:
    """Log and ledger."""
    return project.fingerprint(), ledger(project)


def nothing_to_do(output: str) -> bool:
    return bool(re.search(rf"{FOLLOWS}: nothing to do", output))


def assert_published_and_closed(project: Project, backfilled: Project) -> None:
    assert project.fingerprint() == undisturbed(backfilled, FOLLOWS)
    of_backfilled = closed_windows(backfilled)
    assert closed_windows(project) == {pair: of_backfilled[pair] for pair in pairs_of(FOLLOWS)}
    assert leftovers(project) == []


def test_readers_see_all_events_of_a_model_or_none(staged: ParsedProject, backfilled: Project) -> None:
    def events(project: Project) -> int:
        return project.fingerprint(f"{BEFORE} and {of_pairs(pairs_of(FOLLOWS))}")[0]

    seen, run = set(), staged.start("run", "--select", FOLLOWS)
    while not run.has_ended():
        seen.add(events(staged))
    assert run.exit_code == 0, run.output
    assert seen | {events(staged)} == {0, events(backfilled)}


# Runs that died between two steps -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["attach", "insert"])
def test_events_of_a_run_that_died_before_its_last_entry_are_taken_as_published(
    staged: ParsedProject, backfilled: Project, mode: str
) -> None:
    staged.run(FOLLOWS, publish_mode=mode)
    forget_published(staged)
    written = parts(staged)

    staged.run(FOLLOWS, publish_mode=mode)
    assert parts(staged) == written
    assert_published_and_closed(staged, backfilled)
    assert nothing_to_do(staged.run(FOLLOWS, publish_mode=mode))


def test_events_that_the_log_holds_already_are_taken_as_published_without_any_ledger(
    staged: ParsedProject, backfilled: Project
) -> None:
    staged.run(FOLLOWS)
    staged.sandbox.command(f"truncate table {staged.database}.metric_publications")
    written = parts(staged)
    staged.run(FOLLOWS)
    assert parts(staged) == written
    assert_published_and_closed(staged, backfilled)


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param("toYYYYMM(createdAt) % 2 = 0", id="every second month"),
    ],
)
def test_partitions_that_a_dead_run_did_not_attach_are_attached(
    staged: ParsedProject, backfilled: Project, missing: str
) -> None:
    staged.run(FOLLOWS)
    forget_published(staged)
    events = delete_events(staged, missing)
    output = staged.run(FOLLOWS)
    assert f"{FOLLOWS}: {events} events of" in output
    assert_published_and_closed(staged, backfilled)


def test_what_a_dead_run_attached_stays_its_own_even_if_the_source_has_changed_since(
    staged: ParsedProject, backfilled: Project
) -> None:
    staged.run(FOLLOWS)
    forget_published(staged)
    staged.sandbox.command(f"delete from {staged.database}.stg_user_engagement where userId % 2 = 0")
    staged.run(FOLLOWS)
    assert_published_and_closed(staged, backfilled)


@pytest.mark.parametrize("seed", [1])
def test_an_insert_that_was_cut_off_is_completed_through_the_views_of_the_log(
    staged: ParsedProject, backfilled: Project, seed: int
) -> None:
    run, rows = staged.sandbox.command, staged.sandbox.rows
    model = "generation_events"  # has events that are equal in every column
    seen = f"{staged.database}.seen_by_the_application"
    run(f"create table {seen} as {staged.event_log}")
    run(f"create materialized view {staged.database}.to_seen to {seen} as select * from {staged.event_log}")
    assert "metrics published (insert)" in staged.run(model)
    assert Project(staged.sandbox, staged.database, staged.target).fingerprint() == undisturbed(backfilled, model)

    # Of twins, one may have arrived and the other not: rows are told apart by their place in the part.
    forget_published(staged)
    month = random.Random(seed).choice([202401, 202404, 202407])
    lost = (
        f"{of_pairs(pairs_of(model))} and toYYYYMM(createdAt) = {month}"
        f" and sipHash64(_part, _part_offset, {seed}) % 3 = 0"
    )
    (expected,) = rows(f"select arraySort(groupArray(({COLUMNS}))) from {staged.event_log} where {lost} and {BEFORE}")
    delete_events(staged, lost)
    run(f"truncate table {seen}")

    staged.run(model)
    assert staged.fingerprint() == undisturbed(backfilled, model)
    assert rows(f"select arraySort(groupArray(({COLUMNS}))) from {seen}") == [expected]

    staged.run(model, options=("--full-refresh",), on_conflict="replace")
    assert staged.fingerprint() == undisturbed(backfilled, model)
    assert rows(f"select arraySort(groupArray(({COLUMNS}))) from {seen}") == [expected]
    assert leftovers(staged) == []


def test_an_insert_that_was_cut_off_is_not_completed_among_foreign_events(staged: ParsedProject) -> None:
    staged.run(FOLLOWS, publish_mode="insert")
    forget_published(staged)
    delete_events(staged, OF_MAY)
    insert_events(staged, FOREIGN[0])
    found = content(staged)
    output = staged.run(FOLLOWS, publish_mode="insert", fails=True)
    assert "User Following, partition 202305: this run would publish" in output
    assert "the log holds 1 (sum 2)" in output
    assert content(staged) == found
    assert leftovers(staged) == []


# Events in the window that are not ours -------------------------------------------------------------------------------

FOREIGN = (
    ("User", 1, 4, "Following", 2, "2023-05-06 07:08:09.010"),
    ("User", 2, 4, "Following", 3, "2023-05-06 07:08:09.010"),
    # in the cutoff's own partition, which holds live events as well
    ("User", 1, 4, "Hidden", 5, "2024-08-01 00:00:00.000"),
)
# Of a metric that the model does not publish, and of one that it does, but live.
NEIGHBOURS = (
    ("Tag", 1, 4, "Hidden", 1, "2023-05-06 07:08:09.010"),
    ("User", 1, 4, "Review", 1, "2023-05-06 07:08:09.010"),
    ("User", 1, 4, "Hidden", 1, CUTOFF),
)


def test_foreign_events_in_the_window_stop_a_run_that_changes_nothing(staged: ParsedProject) -> None:
    insert_events(staged, *FOREIGN, *NEIGHBOURS)
    before, written = staged.fingerprint(), parts(staged)
    expected = dict(
        staged.sandbox.rows(
            f"""
            select (metricType, toYYYYMM(createdAt)) as place, (count(), sum(metricValue))
            from backfilled.entityMetricEvents
            where {BEFORE} and {of_pairs(pairs_of(FOLLOWS))}
            group by place
            """
        )
    )
    output = staged.run(FOLLOWS, fails=True)

    for metric, partition, found in (("Following", 202305, "2 (sum 5)"), ("Hidden", 202408, "1 (sum 5)")):
        events, value = expected[(metric, partition)]
        assert (
            f"User {metric}, partition {partition}: this run would publish {events} events (sum {value}),"
            f" the log holds {found}"
        ) in output
    assert "Follower, partition" not in output
    assert "on_conflict: replace" in output
    assert "on_conflict: skip" in output
    assert staged.fingerprint() == before
    assert parts(staged) == written
    assert ledger(staged) == []
    assert leftovers(staged) == []


@pytest.mark.parametrize("mode", ["attach", "insert"])
def test_replace_deletes_the_foreign_events_of_these_metrics_in_the_window_only(
    staged: ParsedProject, backfilled: Project, mode: str
) -> None:
    insert_events(staged, *NEIGHBOURS)
    (events, value, hashes), neighbours = undisturbed(backfilled, FOLLOWS), staged.fingerprint()
    live = backfilled.fingerprint(LIVE)
    insert_events(staged, *FOREIGN)

    staged.run(FOLLOWS, on_conflict="replace", publish_mode=mode)
    assert staged.fingerprint() == (
        events + neighbours[0] - live[0],
        value + neighbours[1] - live[1],
        (hashes + neighbours[2] - live[2]) % 2**64,
    )
    assert nothing_to_do(staged.run(FOLLOWS))
    assert leftovers(staged) == []


@pytest.mark.parametrize("mode", ["attach", "insert"])
def test_skip_keeps_the_foreign_events_and_publishes_the_rest(
    staged: ParsedProject, backfilled: Project, mode: str
) -> None:
    insert_events(staged, *FOREIGN, *NEIGHBOURS)
    hidden = of_pairs([("User", "Hidden")])
    skipped = f"({OF_MAY} or {hidden} and toYYYYMM(createdAt) = 202408)"
    kept = staged.fingerprint(f"{BEFORE} and {skipped}")
    live = staged.fingerprint(LIVE)
    assert kept[0] == len(FOREIGN)

    staged.run(FOLLOWS, on_conflict="skip", publish_mode=mode)
    assert staged.fingerprint(f"{BEFORE} and {skipped}") == kept
    assert staged.fingerprint(LIVE) == live
    others = f"{BEFORE} and {of_pairs(pairs_of(FOLLOWS))} and not {skipped}"
    assert staged.fingerprint(others) == backfilled.fingerprint(others)
    assert nothing_to_do(staged.run(FOLLOWS))


# A log that no longer holds what was published ------------------------------------------------------------------------


def lose_one_event(project: Project) -> None:
    delete_events(
        project,
        f"{FOLLOWING} and (_part, _part_offset) in (select _part, _part_offset from {project.event_log}"
        f" where {OF_MAY} order by all limit 1)",
    )


def double_a_month(project: Project) -> None:
    log = project.event_log
    project.sandbox.command(f"insert into {log} select * from {log} where {OF_MAY}")


def alter_one_event(project: Project) -> None:
    """Neither the number of events nor their sum tells."""
    lost = project.sandbox.rows(
        f"select entityId, createdAt from {project.event_log} where {OF_MAY} order by all limit 1"
    )[0]
    delete_events(project, f"{FOLLOWING} and (entityId, createdAt) = ({lost[0]}, '{str(lost[1])[:23]}')")
    insert_events(project, ("User", lost[0] + 1, 1, "Following", 1, str(lost[1])[:23]))


@pytest.mark.parametrize("damage", [lose_one_event, double_a_month, alter_one_event])
def test_published_events_that_are_not_what_they_were_stop_the_run_until_they_are_replaced(
    staged: ParsedProject, backfilled: Project, damage: Callable[[Project], None]
) -> None:
    staged.run(FOLLOWS)
    events, value, _ = staged.fingerprint(OF_MAY)
    damage(staged)
    damaged, found = content(staged), staged.fingerprint(OF_MAY)

    # Refreshing without on_conflict is no licence to replace.
    options = () if damage is lose_one_event else ("--full-refresh",)
    output = staged.run(FOLLOWS, options=options, fails=True)
    assert (
        f"User Following, partition 202305: published {events} events (sum {value}), found {found[0]} (sum {found[1]})"
    ) in output
    assert "--full-refresh" in output and "on_conflict: replace" in output
    assert "Follower, partition" not in output and "Hidden, partition" not in output
    assert content(staged) == damaged
    assert leftovers(staged) == []

    staged.run(FOLLOWS, options=("--full-refresh",), on_conflict="replace")
    assert staged.fingerprint() == undisturbed(backfilled, FOLLOWS)
    assert nothing_to_do(staged.run(FOLLOWS))


def test_full_refresh_with_replace_publishes_what_the_source_holds_now(staged: ParsedProject) -> None:
    staged.run(FOLLOWS)
    run = staged.sandbox.command
    # Some of the months change, and one metric loses its last event.
    source = f"{staged.database}.stg_user_engagement"
    run(f"delete from {source} where type = 'Hide' or userId % 7 = 0")
    staged.run(FOLLOWS, options=("--full-refresh",), on_conflict="replace")
    expected = [
        (metric, *row)
        for metric, entity in (("Follower", "targetUserId"), ("Following", "userId"))
        for row in staged.sandbox.rows(
            f"select count(), sum(cityHash64({entity}, userId, createdAt)) from {source}"
            f" where {BEFORE} and type = 'Follow' and {entity} in (select id from {staged.database}.stg_user)"
        )
    ]
    published = (
        "select toString(metricType) as metric, count(), sum(cityHash64(entityId, userId, createdAt))"
        f" from {staged.event_log} where {BEFORE} and {of_pairs(pairs_of(FOLLOWS))} group by metric order by metric"
    )
    assert staged.sandbox.rows(published) == expected
    # The next run finds what this one says it has published.
    staged.run(FOLLOWS)
    assert staged.sandbox.rows(published) == expected


# Cutoffs --------------------------------------------------------------------------------------------------------------


def test_a_later_cutoff_publishes_what_lies_between_and_ends_as_one_run_would(
    staged: ParsedProject, backfilled: Project
) -> None:
    staged.sandbox.command(f"truncate table {staged.event_log}")
    models = [FOLLOWS, "comment_events"]
    of_models, first = of_pairs(pairs_of(*models)), "2024-01-15 12:34:56.789"
    until_first = f"createdAt < toDateTime64('{first}', 3, 'UTC')"

    staged.run(*models, cutoff=first)
    assert staged.fingerprint() == backfilled.fingerprint(f"{of_models} and {until_first}")
    written = parts(staged)

    staged.run(*models)
    assert parts(staged) > written
    assert staged.fingerprint() == backfilled.fingerprint(f"{of_models} and {BEFORE}")
    assert {tuple((start, end) for start, end, _ in windows) for windows in closed_windows(staged).values()} == {
        ((BEGINNING, first), (first, CUTOFF))
    }

    damaged = delete_events(staged, f"{FOLLOWING} and toYYYYMM(createdAt) = 202401 and not ({until_first})")
    assert damaged
    assert "User Following, partition 202401: published" in staged.run(FOLLOWS, fails=True)
    staged.run(FOLLOWS, options=("--full-refresh",), on_conflict="replace")
    assert staged.fingerprint() == backfilled.fingerprint(f"{of_models} and {BEFORE}")
    assert nothing_to_do(staged.run(FOLLOWS))


def test_a_conflict_in_the_second_window_is_replaced_there_and_not_in_the_first(
    staged: ParsedProject, backfilled: Project
) -> None:
    first = "2024-01-15 12:34:56.789"
    staged.run(FOLLOWS, cutoff=first)
    insert_events(staged, ("User", 1, 4, "Following", 9, first))
    published = ledger(staged)
    assert "User Following, partition 202401: this run would publish" in staged.run(FOLLOWS, fails=True)
    assert ledger(staged) == published
    staged.run(FOLLOWS, on_conflict="replace")
    assert staged.fingerprint() == undisturbed(backfilled, FOLLOWS)
    assert nothing_to_do(staged.run(FOLLOWS))


def test_an_earlier_cutoff_than_the_published_one_is_refused(staged: ParsedProject) -> None:
    staged.run(FOLLOWS)
    published = content(staged)
    output = staged.run(FOLLOWS, cutoff="2024-08-07 15:44:39.043", fails=True)
    assert "The cutoff of User is 2024-08-07 15:44:39.043" in output
    assert f"is published up to {CUTOFF}" in output
    assert content(staged) == published
    assert leftovers(staged) == []


def test_each_entity_type_ends_at_a_cutoff_of_its_own(staged: ParsedProject, backfilled: Project) -> None:
    image, post = "2024-01-15 12:34:56.789", "2024-01-01"
    staged.run("tip_events", cutoffs={"Image": image, "Post": post})
    expected = totals(
        backfilled,
        f"""{BEFORE} and {of_pairs(pairs_of("tip_events"))}
        and createdAt < multiIf(
            entityType = 'Image', toDateTime64('{image}', 3, 'UTC'),
            entityType = 'Post', toDateTime64('{post}', 3, 'UTC'),
            toDateTime64('{CUTOFF}', 3, 'UTC')
        )""",
    )
    assert totals(staged) == expected
    assert {entity_type for entity_type, _ in expected} > {"Image", "Post", "Model"}
    in_view = f"select count(), sum(metricValue) from {staged.database}.tip_events"
    assert staged.sandbox.rows(in_view) == [staged.fingerprint(f"{BEFORE} and {of_pairs(pairs_of('tip_events'))}")[:2]]

    staged.run("tip_events")
    assert staged.fingerprint() == undisturbed(backfilled, "tip_events")


def test_an_event_of_a_user_that_the_first_window_has_is_not_published_again_by_the_second(
    staged: ParsedProject,
) -> None:
    comments = f"{staged.database}.stg_comment"
    (model, user) = staged.sandbox.rows(
        f"select (select max(id) from {staged.database}.stg_model), (select max(id) from {staged.database}.stg_user)"
    )[0]
    staged.sandbox.command(f"delete from {comments} where modelId = {model}")
    for number, day in ((1, "2023-06-01"), (2, "2023-12-31"), (3, "2024-01-01"), (4, "2024-06-01")):
        staged.sandbox.command(
            f"insert into {comments} (id, modelId, userId, tosViolation, createdAt)"
            f" values ({1_000_000_000 + number}, {model}, {user}, false, '{day}')"
        )
    found = (
        f"select toString(createdAt) from {staged.event_log}"
        f" where {BEFORE} and (entityType, metricType) = ('Model', 'Comment') and entityId = {model}"
    )
    for cutoff in ("2024-01-01", CUTOFF):
        staged.run("comment_events", cutoff=cutoff)
        assert staged.sandbox.rows(found) == [("2023-06-01 00:00:00.000",)]


def test_a_metric_without_events_is_published_once_its_source_has_rows(
    staged: ParsedProject, backfilled: Project
) -> None:
    run, source = staged.sandbox.command, f"{staged.database}.stg_user_engagement"
    run(f"create table {staged.database}.kept as {source}")
    run(f"insert into {staged.database}.kept select * from {source} where type = 'Hide'")
    run(f"delete from {source} where type = 'Hide'")
    staged.run(FOLLOWS)
    assert set(closed_windows(staged)) == {("User", "Following"), ("User", "Follower")}

    run(f"insert into {source} select * from {staged.database}.kept")
    written = ledger(staged)
    staged.run(FOLLOWS)
    assert_published_and_closed(staged, backfilled)
    since = [row for row in ledger(staged) if row not in written]
    assert {row[2:4] for row in since} == {("User", "Hidden")}


# Vars that mean nothing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("cutoff", "next week", "'next week'"),
        ("cutoff", "2024-02-30", "2024-02-30"),
        ("cutoff", "2024-13-01", "2024-13-01"),
        ("cutoff", "2024-01-01 25:00", "2024-01-01 25:00"),
        ("cutoff", "2999-01-01", "2999-01-01 00:00:00.000"),
        ("cutoff", "", "''"),
        ("cutoffs", {"Image": "2999-01-01"}, "2999-01-01 00:00:00.000"),
        ("cutoffs", {"Image": "soon"}, "'soon'"),
        ("cutoffs", {"Picture": "2024-01-01"}, "'Picture'"),
        ("cutoffs", "2024-01-01", "'2024-01-01'"),
        ("on_conflict", "overwrite", "'overwrite'"),
        ("publish_mode", "copy", "'copy'"),
        ("event_log", "a.b.c", "'a.b.c'"),
    ],
)
def test_a_var_that_means_nothing_is_named_and_nothing_is_done(
    parsed: ParsedProject, name: str, value: object, complaint: str
) -> None:
    tables = f"select name, toString(uuid) from system.tables where database like '{parsed.database}%' order by all"
    before, log = parsed.sandbox.rows(tables), parsed.fingerprint()
    output = parsed.run(FOLLOWS, fails=True, **{name: value})
    assert output.count("Compilation Error") == 1
    message = output[output.index("Compilation Error") :]
    assert name.removesuffix("s") in message and complaint in message
    assert "Traceback" not in output and "Database Error" not in output
    assert parsed.sandbox.rows(tables) == before
    assert parsed.fingerprint() == log


def test_an_event_log_without_database_is_named_and_nothing_is_done(project: Project) -> None:
    """By the command line, since sources are named by this var when the project is parsed."""
    output = project.dbt("run", "--select", FOLLOWS, fails=True, event_log="entityMetricEvents")
    assert "The var event_log is 'entityMetricEvents'" in output
    tables = f"select name from system.tables where database like '{project.database}%'"
    assert project.sandbox.rows(tables) == [("entityMetricEvents",)]


def test_a_log_that_lacks_a_column_is_named_and_nothing_is_done(staged: ParsedProject) -> None:
    staged.sandbox.command(f"alter table {staged.event_log} drop column userId")
    output = staged.run(FOLLOWS, fails=True)
    assert f"The event log {staged.event_log} has no column userId" in output
    assert leftovers(staged) == []


# Locks, and what dead runs leave --------------------------------------------------------------------------------------


def hold_lock(project: Project, run: str, generation: int = 1) -> None:
    """As run_lock.sql does."""
    project.sandbox.command(
        f"create table {project.database}.{FOLLOWS}__lock_{generation} (nothing UInt8)"
        f" engine = MergeTree order by tuple() comment '{run} {time.time()}'"
    )


def test_the_lock_of_a_dead_run_is_taken_over_and_its_tables_are_dropped(
    staged: ParsedProject, backfilled: Project
) -> None:
    dead, database = str(uuid.uuid4()), staged.database
    for generation in (1, 2, 10):
        hold_lock(staged, dead, generation)
    for purpose in ("scratch", "clone", "new"):
        staged.sandbox.command(f"create table {database}.{FOLLOWS}__{purpose}_{dead[:8]} as {staged.event_log}")
    # Of another model, or no run's at all.
    others = [f"more_{FOLLOWS}__clone_{dead[:8]}", f"{FOLLOWS}__clone_of_mine", "tag_engagement_events__lock_1"]
    for other in others:
        staged.sandbox.command(f"create table {database}.{other} as {staged.event_log}")

    began = time.monotonic()
    output = staged.run(FOLLOWS, lock_patience=3)
    assert time.monotonic() - began > 3
    assert f"run {dead} holds the lock" in output
    assert staged.fingerprint() == undisturbed(backfilled, FOLLOWS)
    assert leftovers(staged) == sorted(others)


def test_the_lock_of_a_run_that_shows_signs_of_life_is_waited_for(staged: ParsedProject, backfilled: Project) -> None:
    alive = str(uuid.uuid4())
    lock = f"{staged.database}.{FOLLOWS}__lock_1"
    hold_lock(staged, alive)
    clone = f"{FOLLOWS}__clone_{alive[:8]}"
    staged.sandbox.command(f"create table {staged.database}.{clone} as {staged.event_log}")
    run = staged.start("run", "--select", FOLLOWS, lock_patience=2)
    wait_until(lambda: "holds the lock" in run.output)
    for _ in range(10):
        time.sleep(0.5)
        staged.sandbox.command(f"alter table {lock} modify comment '{alive} {time.time()}'")
    assert not run.has_ended()
    assert leftovers(staged) == [clone, f"{FOLLOWS}__lock_1"]
    staged.sandbox.command(f"drop table {lock} sync")
    assert run.wait() == 0, run.output
    assert_published_and_closed(staged, backfilled)


def start_statement(sandbox: Sandbox, statement: str) -> threading.Thread:
    """A statement that is under way on the server. In the end its thread's outcome says whether somebody ended it."""

    def execute() -> None:
        try:
            sandbox.rows(f"{statement} settings max_block_size = 1")
        except DatabaseError:
            outcome.append("ended")

    outcome: list[str] = []
    thread = threading.Thread(target=execute, daemon=True)
    thread.outcome = outcome
    thread.start()
    wait_until(lambda: statements_of(sandbox, statement))
    return thread


def lasting(seconds: int) -> str:
    """A select that takes its time. It sleeps for each row, as the server allows no more than 3 s in a block."""
    return f"select sleepEachRow(0.1) from numbers({seconds * 10})"


def run_statement_of(project: Project, run: str, seconds: int) -> threading.Thread:
    """A statement on the model that a run has left on the server."""
    comment = f'/* {{"run": "{run}", "node": "model.entity_metrics.{FOLLOWS}"}} */'
    return start_statement(project.sandbox, f"{comment} {lasting(seconds)}")


def test_a_dead_run_is_outlasted_as_long_as_its_statement_runs(staged: ParsedProject, backfilled: Project) -> None:
    dead = str(uuid.uuid4())
    hold_lock(staged, dead)
    statement = run_statement_of(staged, dead, seconds=6)
    run = staged.start("run", "--select", FOLLOWS, lock_patience=2)
    statement.join()
    assert statement.outcome == []
    assert not run.has_ended()
    assert leftovers(staged) == [f"{FOLLOWS}__lock_1"]
    assert run.wait() == 0, run.output
    assert_published_and_closed(staged, backfilled)


def test_a_run_that_goes_on_beyond_the_timeout_is_ended(staged: ParsedProject, backfilled: Project) -> None:
    dead = str(uuid.uuid4())
    hold_lock(staged, dead)
    statement = run_statement_of(staged, dead, seconds=60)
    output = staged.run(FOLLOWS, lock_patience=2, lock_timeout=3)
    statement.join()
    assert statement.outcome == ["ended"]
    assert f"the lock of run {dead} is taken over after 3 s" in output
    assert_published_and_closed(staged, backfilled)


@pytest.mark.parametrize("moment", ["it has the lock", "it has entered its intentions"])
def test_a_run_that_only_slept_finds_its_lock_taken_and_writes_nothing_more(
    staged: ParsedProject, backfilled: Project, moment: str
) -> None:
    reached = {
        "it has the lock": f"select count() from system.tables where name = '{FOLLOWS}__lock_1'",
        "it has entered its intentions": f"select count() from {staged.database}.metric_publications",
    }[moment]
    staged.sandbox.command(f"create table {staged.database}.metric_publications as backfilled.metric_publications")
    sleeper = staged.start("run", "--select", FOLLOWS)
    wait_until(lambda: staged.sandbox.value(reached) > 0)
    with sleeper.paused():
        staged.run(FOLLOWS, lock_patience=2)
    if sleeper.wait() != 0:
        assert re.search(r"has taken over|UNKNOWN_TABLE|QUERY_WAS_CANCELLED", sleeper.output), sleeper.output
    assert_published_and_closed(staged, backfilled)


def test_a_run_that_slept_while_its_events_were_written_does_not_enter_them_again(
    staged: ParsedProject, backfilled: Project
) -> None:
    """The server ends the sleeper's insert, and another run enters in the ledger what it wrote."""
    run = staged.sandbox.command
    run(f"create materialized view {staged.database}.slow engine = Null as select sleep(2) from {staged.event_log}")
    with staged.asleep_after("insert_deduplicate = 0", "run", "--select", FOLLOWS) as sleeper:
        run(f"drop table {staged.database}.slow sync")
        staged.run(FOLLOWS, lock_patience=2)
    assert sleeper.wait() != 0
    assert "UNKNOWN_TABLE" in sleeper.output
    assert_published_and_closed(staged, backfilled)


def test_a_run_that_wakes_while_it_is_taken_over_leaves_a_later_window_entered_once(
    staged: ParsedProject, backfilled: Project
) -> None:
    """Its last entry comes after the other run has looked and before that has dropped the clone it is made from."""
    run, database = staged.sandbox.command, staged.database
    staged.run(FOLLOWS, cutoff="2024-01-01 00:00:00")
    run(f"create materialized view {database}.slow engine = Null as select sleep(2) from {staged.event_log}")
    with staged.asleep_after("insert_deduplicate = 0", "run", "--select", FOLLOWS) as sleeper:
        run(f"drop table {database}.slow sync")
        # The other run drops this first, and has to wait for whoever reads it.
        leftover = f"{database}.{FOLLOWS}__clone_00000000"
        run(f"create table {leftover} as {staged.event_log}")
        run(f"insert into {leftover} select * from {staged.event_log} limit 200")
        reading = start_statement(staged.sandbox, f"select 1 from {leftover} union all {lasting(300)}")
        other = staged.start("run", "--select", FOLLOWS, lock_patience=2)
        wait_until(lambda: statements_of(staged.sandbox, f"drop table if exists {leftover}"))
    assert sleeper.wait() == 0, sleeper.output
    assert not other.has_ended()
    for query_id in statements_of(staged.sandbox, f"from {leftover}"):
        run(f"kill query where query_id = '{query_id}' sync")
    reading.join()
    assert reading.outcome == ["ended"]
    assert other.wait() == 0, other.output
    assert nothing_to_do(other.output)
    assert nothing_to_do(staged.run(FOLLOWS))
    assert staged.fingerprint() == undisturbed(backfilled, FOLLOWS)
    assert leftovers(staged) == []


@pytest.mark.parametrize("generation", [2, 1])
def test_a_run_that_slept_and_fails_leaves_the_tables_of_the_one_that_works_by_now(
    staged: ParsedProject, generation: int
) -> None:
    """That one has taken over, or has begun after another that had taken over has ended."""
    run, database, other = staged.sandbox.command, staged.database, str(uuid.uuid4())
    staged.run(FOLLOWS)
    delete_events(staged, OF_MAY)
    # A ledger that takes its time.
    run(f"rename table {database}.metric_publications to {database}.entries")
    run(f"create view {database}.metric_publications as select * from {database}.entries where sleep(2) = 0")
    clone = f"{FOLLOWS}__clone_{other[:8]}"
    with staged.asleep_after("differing_partitions", "run", "--select", FOLLOWS) as sleeper:
        if generation == 1:
            run(f"drop table {database}.{FOLLOWS}__lock_1 sync")
        hold_lock(staged, other, generation)
        run(f"create table {database}.{clone} as {staged.event_log}")
    assert sleeper.wait() != 0
    assert "no longer holds" in sleeper.output
    assert leftovers(staged) == [clone, *(f"{FOLLOWS}__lock_{number + 1}" for number in range(generation))]


# One metric of many, and what remains visible -------------------------------------------------------------------------


def test_a_metric_that_is_new_to_a_published_model_is_published_alone(
    staged: ParsedProject, backfilled: Project
) -> None:
    staged.run(FOLLOWS)
    staged.sandbox.command(
        f"alter table {staged.database}.metric_publications delete where metric_type = 'Follower'"
        " settings mutations_sync = 2"
    )
    delete_events(staged, of_pairs([("User", "Follower")]))
    written = ledger(staged)

    output = staged.run(FOLLOWS)
    assert "events of 1 metrics published" in output
    assert {row[2:4] for row in ledger(staged) if row not in written} == {("User", "Follower")}
    assert_published_and_closed(staged, backfilled)


def test_the_view_of_a_model_shows_its_published_events_and_nothing_else(staged: ParsedProject, tmp_path: Path) -> None:
    insert_events(staged, *NEIGHBOURS)
    staged.run(FOLLOWS)
    view = f"{staged.database}.{FOLLOWS}"
    as_log = f"select count(), sum(cityHash64({COLUMNS})) from"
    assert staged.sandbox.rows(f"{as_log} {view}") == staged.sandbox.rows(
        f"{as_log} {staged.event_log} where {BEFORE} and {of_pairs(pairs_of(FOLLOWS))}"
    )
    assert staged.sandbox.value(f"select engine from system.tables where name = '{FOLLOWS}'") == "View"


@pytest.mark.parametrize(("precision", "tick"), [("DateTime64(1)", 100), ("DateTime64(6, 'Asia/Tokyo')", 1)])
def test_a_log_of_another_precision_than_the_cutoff_holds_the_same_metrics(
    staged: ParsedProject, backfilled: Project, precision: str, tick: int
) -> None:
    log, run = staged.event_log, staged.sandbox.command
    run(f"drop table {log} sync")
    run(
        f"""
        create table {log} (
            metricType String, createdAt {precision}, entityType LowCardinality(String), userId Int64,
            entityId Int64, metricValue Int64, note String default 'ours'
        ) engine = MergeTree partition by toMonday(createdAt) order by createdAt
        """
    )
    run(f"insert into {log} ({COLUMNS}) select {COLUMNS} from default.entityMetricEvents")
    live = staged.fingerprint()
    until = f"toUnixTimestamp64Milli(toDateTime64(createdAt, 3)) < {CUTOFF_MILLISECONDS // tick * tick}"
    staged.run(FOLLOWS)
    assert staged.fingerprint(f"not ({until})") == live
    of_follows = of_pairs(pairs_of(FOLLOWS))
    assert totals(staged, until) == totals(backfilled, f"{BEFORE} and {of_follows}")
    assert nothing_to_do(staged.run(FOLLOWS))


def test_an_event_log_is_created_where_there_is_none(staged: ParsedProject, backfilled: Project) -> None:
    staged.sandbox.command(f"drop table {staged.event_log} sync")
    staged.run(FOLLOWS)
    assert staged.fingerprint() == backfilled.fingerprint(f"{BEFORE} and {of_pairs(pairs_of(FOLLOWS))}")
