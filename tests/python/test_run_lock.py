"""One run at a time: the others wait, dead ones are taken over, and one that only slept does no harm any more."""

from __future__ import annotations

import re
import threading
import time

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from conftest import Project, Sandbox
from event_log_checks import (
    assert_published_once,
    doing,
    leave_behind,
    leftovers,
    look_alikes,
    slow_down,
    statements_of,
    undisturbed,
)
from parsed_project import ParsedProject, wait_until

FOLLOWS = "user_engagement_events"


@pytest.fixture
def dead(staged: ParsedProject) -> str:
    """A run that was killed while it held the lock. Returns its id."""
    run = staged.start_publishing(FOLLOWS)
    wait_until(lambda: "on-run-start" in run.output and "1 of" in run.output)
    wait_until(lambda: doing(staged, "work in a table of its own") or run.has_ended())
    run.kill()
    wait_until(lambda: not statements_of(staged.sandbox, "/* {"))
    waiting = staged.start_publishing("tag_engagement_events", lock_patience=60)
    wait_until(lambda: "is at work" in waiting.output)
    waiting.kill()
    (holder,) = re.findall(r"Run ([0-9a-f-]{36}) is at work", waiting.output)
    return holder


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


def statement_of(project: Project, run: str, seconds: int) -> threading.Thread:
    """A statement that a run has left on the server. It sleeps for each row, as no block may sleep for longer."""
    comment = f'/* {{"run": "{run}", "node": "model.entity_metrics.{FOLLOWS}"}} */'
    return start_statement(project.sandbox, f"{comment} select sleepEachRow(0.1) from numbers({seconds * 10})")


def test_a_dead_run_is_taken_over_once_it_has_been_silent_for_long_enough(
    staged: ParsedProject, backfilled: Project, dead: str
) -> None:
    leave_behind(staged, dead)
    others = look_alikes(staged)

    began = time.monotonic()
    output = staged.publish(FOLLOWS, lock_patience=3)
    assert time.monotonic() - began > 3
    assert f"Run {dead} is at work; waiting until it has ended, or shows no sign of life for 3 s." in output
    assert f"Run {dead} shows no sign of life: this run takes over from it." in output
    assert staged.fingerprint() == undisturbed(backfilled, FOLLOWS)
    assert leftovers(staged) == others


def test_a_run_whose_statements_go_on_is_waited_for(staged: ParsedProject, backfilled: Project, dead: str) -> None:
    statement = statement_of(staged, dead, seconds=8)
    run = staged.start_publishing(FOLLOWS, lock_patience=2)
    statement.join()
    assert statement.outcome == []
    assert not run.has_ended()
    assert "takes over" not in run.output
    assert run.wait() == 0, run.output
    assert_published_once(staged, backfilled, FOLLOWS)


def test_many_that_wait_for_a_dead_run_do_not_end_each_other(
    staged: ParsedProject, backfilled: Project, dead: str
) -> None:
    runs = [staged.start_publishing(FOLLOWS, lock_patience=4) for _ in range(3)]
    for run in runs:
        assert run.wait() == 0, run.output
    assert sum(f"Run {dead} shows no sign of life" in run.output for run in runs) >= 1
    assert sum("metrics published" in run.output for run in runs) == 1
    assert_published_once(staged, backfilled, FOLLOWS)


@pytest.mark.parametrize("work", ["work in a table of its own", "prepare the publication", "attach"])
def test_a_run_that_only_slept_finds_its_lock_taken_and_writes_nothing_more(
    staged: ParsedProject, backfilled: Project, work: str
) -> None:
    sleeper = staged.start_publishing(FOLLOWS)
    wait_until(lambda: doing(staged, work) or sleeper.has_ended())
    with sleeper.paused():
        staged.publish(FOLLOWS, lock_patience=2)
    if sleeper.wait() != 0:
        assert re.search(r"has taken over|UNKNOWN_TABLE|QUERY_WAS_CANCELLED", sleeper.output), sleeper.output
    assert_published_once(staged, backfilled, FOLLOWS)


def test_a_run_that_slept_while_its_events_were_written_does_not_enter_them_again(
    staged: ParsedProject, backfilled: Project
) -> None:
    """The server ends the sleeper's insert, and another run finishes its publication."""
    run = staged.sandbox.command
    run(f"create materialized view {staged.database}.slow engine = Null as select sleep(2) from {staged.event_log}")
    sleeper = staged.start_publishing(FOLLOWS, log_views="feed")
    wait_until(lambda: statements_of(staged.sandbox, "insert_deduplicate = 0"))
    with sleeper.paused():
        wait_until(lambda: not statements_of(staged.sandbox, "insert_deduplicate = 0"))
        run(f"drop table {staged.database}.slow sync")
        assert "Finishing the publication" in staged.publish(FOLLOWS, lock_patience=2)
    assert sleeper.wait() != 0
    assert "UNKNOWN_TABLE" in sleeper.output
    assert_published_once(staged, backfilled, FOLLOWS)


def test_a_run_that_slept_does_not_give_back_the_lock_of_the_one_that_works_by_now(
    staged: ParsedProject, backfilled: Project
) -> None:
    sleeper = staged.start_publishing("tag_engagement_events")
    wait_until(lambda: doing(staged, "work in a table of its own") or sleeper.has_ended())
    slow_down(staged, "stg_user_engagement", seconds_a_row=0.005)
    with sleeper.paused():
        other = staged.start_publishing(FOLLOWS, lock_patience=2)
        wait_until(lambda: statements_of(staged.sandbox, "insert into") and "takes over" in other.output)
    assert sleeper.wait() != 0
    third = staged.start_publishing("comment_events", lock_patience=10)
    wait_until(lambda: "is at work; waiting" in third.output)
    assert other.wait() == 0, other.output
    assert third.wait() == 0, third.output
    assert staged.fingerprint() == undisturbed(backfilled, FOLLOWS, "comment_events")
    assert leftovers(staged) == []


def test_an_error_gives_the_lock_back(staged: ParsedProject, backfilled: Project) -> None:
    source = f"{staged.database}.stg_user_engagement"
    staged.sandbox.command(f"rename table {source} to {staged.database}.engagement")
    staged.publish(FOLLOWS, fails=True)
    assert leftovers(staged) == []
    staged.sandbox.command(f"rename table {staged.database}.engagement to {source}")
    assert "is at work" not in staged.publish(FOLLOWS)
    assert_published_once(staged, backfilled, FOLLOWS)


def test_a_run_that_waits_for_the_marts_is_alive_to_those_that_wait_for_it(staged: ParsedProject) -> None:
    staged.run("logged_events")
    log, events = staged.event_log, f"{staged.database}.events"
    staged.sandbox.command(f"rename table {log} to {events}")
    staged.sandbox.command(f"create view {log} as select * from {events} where sleepEachRow(0.0005) = 0")
    marts = staged.start("run", "--select", "entity_metric_rollup")
    wait_until(lambda: doing(staged, "look for changed months"))
    both = staged.start("run", "--select", "stg_tag", "entity_metric_sealed", lock_patience=60)
    wait_until(lambda: "is at work; waiting" in both.output)
    third = staged.start("run", "--select", "stg_user", lock_patience=4)
    for run in (marts, both, third):
        assert run.wait() == 0, run.output
    assert "is at work; waiting" in third.output
    assert "takes over" not in third.output
