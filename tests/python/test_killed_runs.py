"""Runs killed with kill -9, at any moment and at the worst ones, and run again: nothing is lost, nothing doubled.

A killed client does not stop what it has asked of the server. Where a test says that a statement goes on, it does so
surely: something in its way holds it up until after the kill.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg2
import pytest
from conftest import LOG, Project, Sandbox, on_its_own, sandbox_command
from event_log_checks import (
    BEFORE,
    COLUMNS,
    assert_published_once,
    closed_windows,
    doing,
    forget_published,
    leftovers,
    nothing_due,
    of_pairs,
    pairs_of,
    slow_down,
    undisturbed,
    unfinished,
    watched,
)
from parsed_project import ParsedProject, Run, wait_until

FOLLOWS = "user_engagement_events"
GENERATIONS = "generation_events"


@pytest.fixture
def duration(backfilled: Project) -> float:
    """Seconds that an undisturbed backfill takes."""
    results = min(backfilled.target.glob("run-*/run_results.json"), key=lambda path: path.stat().st_mtime_ns)
    return json.loads(results.read_text())["elapsed_time"]


def kill_at(run: Run, moment: Callable[[], object]) -> None:
    """Kills at the moment, or soon after: the run goes on while one looks. One that ends before is no case."""
    wait_until(lambda: moment() or run.has_ended())
    assert not run.has_ended(), "it ended before it could be killed:\n" + run.output
    run.kill()


def writes(sandbox: Sandbox) -> bool:
    """Whether a statement of a dbt run writes right now."""
    kinds = "('Insert', 'Alter', 'Delete', 'Create', 'Drop')"
    of_a_run = f"""startsWith(query, '/* {{"run": ') and query_kind in {kinds}"""
    return sandbox.value(f"select count() from system.processes where {of_a_run}") > 0


# At any moment --------------------------------------------------------------------------------------------------------


def test_a_backfill_killed_at_five_moments_is_completed_by_the_next(
    parsed: ParsedProject, backfilled: Project, duration: float
) -> None:
    for seed in range(5):
        run = parsed.start("run", "--select", "tag:backfill")
        # Each run gets a little further than the one before.
        time.sleep(random.Random(seed).uniform(0.05, 0.25) * duration)
        wait_until(lambda run=run: writes(parsed.sandbox) or run.has_ended())
        run.kill()
    parsed.backfill()
    assert_published_once(parsed, backfilled)


def test_a_full_refresh_killed_at_any_moment_loses_nothing(
    staged: ParsedProject, backfilled: Project, duration: float
) -> None:
    staged.publish("path:models/events")
    run = staged.start("run", "--select", "tag:backfill", "--full-refresh")
    time.sleep(random.Random(6).uniform(0, duration / 2))
    wait_until(lambda: writes(staged.sandbox) or run.has_ended())
    run.kill()
    staged.backfill()
    assert_published_once(staged, backfilled)


# While a statement goes on --------------------------------------------------------------------------------------------


@contextmanager
def held_up_copy(sandbox: Sandbox, table: str, column: str) -> Iterator[Callable[[], None]]:
    """Lets whoever copies a column of a table out of PostgreSQL wait, until the function given is called."""
    lock = f'lock table "{table}"'
    holder = psycopg2.connect(sandbox.postgres_dsn)
    holder.autocommit = True
    cursor = holder.cursor()
    cursor.execute(f"begin; {lock}")

    def let_others_pass() -> None:
        while True:
            wait_until(lambda: sandbox.waiting_for(f'"{table}"'))
            if any(f'"{column}"' in statement for statement in sandbox.waiting_for(f'"{table}"')):
                return
            # They come first, as they have waited longer.
            cursor.execute(f"commit; begin; {lock}")

    passing = threading.Thread(target=let_others_pass)
    passing.start()
    try:
        yield holder.close
    finally:
        passing.join()
        holder.close()


def test_a_copy_that_goes_on_after_the_kill_is_outlasted(parsed: ParsedProject, backfilled: Project) -> None:
    sandbox, models = parsed.sandbox, ("stg_user", "stg_user_engagement", FOLLOWS, *LOG)
    with held_up_copy(sandbox, "UserEngagement", "targetUserId") as let_go:
        run = parsed.start("run", "--select", *models)
        kill_at(run, lambda: doing(parsed, "land", "stg_user_engagement"))
        again = parsed.start("run", "--select", *models)
        wait_until(lambda: "is at work; waiting" in again.output)
        assert len(doing(parsed, "land", "stg_user_engagement")) == 1
        let_go()
        assert again.wait() == 0, again.output
    staged = "select count(), sum(cityHash64(* except _landed_at)) from {}.stg_user_engagement"
    assert sandbox.rows(staged.format(parsed.database)) == sandbox.rows(staged.format(backfilled.database))
    assert_published_once(parsed, backfilled, FOLLOWS)


def test_a_build_that_goes_on_after_the_kill_is_outlasted(staged: ParsedProject, backfilled: Project) -> None:
    slow_down(staged, "stg_user_engagement", seconds_a_row=0.005)
    killed = staged.start_publishing(FOLLOWS)
    kill_at(killed, lambda: doing(staged, "build"))
    assert doing(staged, "build")
    assert "is at work; waiting" in staged.publish(FOLLOWS)
    assert_published_once(staged, backfilled, FOLLOWS)


def test_an_insert_into_the_log_that_goes_on_after_the_kill_is_outlasted(
    staged: ParsedProject, backfilled: Project
) -> None:
    seen = watched(staged, "sleepEachRow(0.0015) = 0")
    killed = staged.start_publishing(GENERATIONS, log_views="feed")
    kill_at(killed, lambda: doing(staged, "insert"))
    assert doing(staged, "insert")
    assert "is at work; waiting" in staged.publish(GENERATIONS, log_views="feed")
    assert_published_once(staged, backfilled, GENERATIONS)
    assert staged.sandbox.rows(f"select count(), sum(cityHash64({COLUMNS})) from {seen}") == staged.sandbox.rows(
        f"select count(), sum(cityHash64({COLUMNS})) from {staged.event_log} where {BEFORE}"
    )


# Between two steps of publication, beside live traffic ----------------------------------------------------------------


@contextmanager
def live_writer(project: Project) -> Iterator[Callable[[], int]]:
    """An application that writes events all the time. The function given says how many there are."""
    application, written, stop = Sandbox(project.sandbox.dir, project.sandbox.env), [], threading.Event()

    def write() -> None:
        while not stop.is_set():
            application.command(f"insert into {project.event_log} values ('Tag', 999999, 4, 'Follower', 1, now64(3))")
            written.append(1)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield lambda: len(written)
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("how", ["attached", "inserted"])
def test_runs_killed_between_two_steps_of_publication_are_completed(
    staged: ParsedProject, backfilled: Project, how: str
) -> None:
    """As soon as a publication is complete, and ever later: while it is replayed, and before the ledger knows."""
    models = (FOLLOWS, GENERATIONS, "image_reaction_events", "tip_events")
    views = {"log_views": "feed"} if how == "inserted" else {}
    if views:
        watched(staged)
    delays, of_live = [0, 0.02, 0.05, 0.1, 0.2], "entityId = 999999"
    with live_writer(staged) as written:
        for delay in delays:
            run = staged.start_publishing(*models, **views)
            wait_until(lambda run=run: unfinished(staged) or run.has_ended())
            time.sleep(delay)
            run.kill()
        output = staged.publish(*models, **views)
    assert "pending_events:" in output
    assert staged.fingerprint(f"not ({of_live})") == undisturbed(backfilled, *models)
    windows = closed_windows(backfilled)
    assert closed_windows(staged) == {pair: windows[pair] for pair in pairs_of(*models)}
    assert staged.fingerprint(of_live)[0] == written() > 0
    assert leftovers(staged) == []
    assert nothing_due(staged.publish(*models, **views))


@pytest.mark.parametrize("work", ["delete", "work on the publication"])
def test_a_replacement_killed_half_way_is_completed(staged: ParsedProject, backfilled: Project, work: str) -> None:
    """By any next run: what is replaced stands in the publication."""
    staged.publish(FOLLOWS)
    log = staged.event_log
    staged.sandbox.command(f"insert into {log} select * from {log} where {BEFORE} and {of_pairs(pairs_of(FOLLOWS))}")
    run = staged.start("run", "--select", FOLLOWS, *LOG, "--full-refresh", on_conflict="replace")
    wait_until(lambda: doing(staged, work) or run.has_ended())
    run.kill()
    if work == "delete":
        assert "Finishing the publication" in staged.publish(FOLLOWS)
    else:
        staged.publish(FOLLOWS, options=("--full-refresh",), on_conflict="replace")
    assert staged.fingerprint() == undisturbed(backfilled, FOLLOWS)
    assert nothing_due(staged.publish(FOLLOWS))
    assert leftovers(staged) == []


# Servers --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def fragile(parsed_once: ParsedProject, tmp_path: Path) -> Iterator[ParsedProject]:
    """A project like `parsed`, on servers that may be killed."""
    with on_its_own(parsed_once, tmp_path) as project:
        yield project


def end_server(sandbox: Sandbox, name: str) -> None:
    """As the kernel does when memory is short."""
    processes = json.loads((sandbox.dir / "state.json").read_text())
    pid = processes[name]["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def start_again(sandbox: Sandbox) -> None:
    """Starts the servers that were ended."""
    sandbox_command({**os.environ, **sandbox.env}, "up")


def kill_server(sandbox: Sandbox, name: str) -> None:
    """A server ends, and is started again."""
    end_server(sandbox, name)
    start_again(sandbox)


def test_servers_killed_at_any_moment_lose_and_double_nothing(
    fragile: ParsedProject, backfilled: Project, duration: float
) -> None:
    sandbox = fragile.sandbox
    choice = random.Random(3)
    for server in ("clickhouse", "postgres", "clickhouse", "clickhouse", "postgres"):
        run = fragile.start("run", "--select", "tag:backfill")
        time.sleep(choice.uniform(0.1, 0.9) * duration)
        kill_server(sandbox, server)
        assert run.wait() in (0, 1), run.output
    # In the middle of an attach, or right before or after it.
    forget_published(fragile)
    fragile.sandbox.command(f"delete from {fragile.event_log} where {BEFORE}")
    run = fragile.start("run", "--select", "tag:backfill")
    wait_until(lambda: doing(fragile, "attach") or run.has_ended())
    kill_server(sandbox, "clickhouse")
    run.wait()

    fragile.backfill()
    assert_published_once(fragile, backfilled)


def test_a_server_that_dies_under_a_model_leaves_no_lock_for_the_next_run_to_wait_for(fragile: ParsedProject) -> None:
    sandbox = fragile.sandbox
    in_the_way = psycopg2.connect(sandbox.postgres_dsn)
    in_the_way.cursor().execute('lock table "Tag"')
    # So patient that a lock left behind would be noticed.
    run = fragile.start("run", "--select", "stg_tag", lock_patience=3600)
    wait_until(lambda: sandbox.waiting_for('"Tag"') or run.has_ended())
    assert "START sql slices model" in run.output
    kill_server(sandbox, "postgres")
    assert run.wait() == 1, run.output
    assert "Database Error in model stg_tag" in run.output
    assert leftovers(fragile) == []
    assert "is at work" not in fragile.run("stg_tag", lock_patience=3600)
    assert leftovers(fragile) == []
