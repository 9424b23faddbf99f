"""Runs killed with kill -9, at any moment and at the worst ones, and run again: nothing is lost, nothing doubled.

A killed client does not stop what it has asked of the server. Where a test says that a statement goes on, it does so
surely: something in its way holds it up until after the kill.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from conftest import Project, Sandbox
from event_log_checks import (
    BEFORE,
    closed_windows,
    leftovers,
    of_pairs,
    pairs_of,
    statements_of,
    undisturbed,
)
from parsed_project import ParsedProject, Run, wait_until

FOLLOWS = "user_engagement_events"
GENERATIONS = "generation_events"


@pytest.fixture
def duration(backfilled: Project) -> float:
    """Seconds that an undisturbed backfill takes."""
    return json.loads((backfilled.target / "run_results.json").read_text())["elapsed_time"]


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


def assert_as_undisturbed(project: Project, backfilled: Project, *models: str) -> None:
    assert project.fingerprint() == undisturbed(backfilled, *models)
    of_backfilled = closed_windows(backfilled)
    assert closed_windows(project) == {pair: of_backfilled[pair] for pair in pairs_of(*models)}
    assert leftovers(project) == []


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
    assert_as_undisturbed(parsed, backfilled)


def test_a_full_refresh_killed_at_any_moment_loses_nothing(
    staged: ParsedProject, backfilled: Project, duration: float
) -> None:
    staged.run("path:models/events")
    run = staged.start("run", "--select", "tag:backfill", "--full-refresh")
    time.sleep(random.Random(6).uniform(0, duration / 2))
    wait_until(lambda: writes(staged.sandbox) or run.has_ended())
    run.kill()
    staged.backfill()
    assert_as_undisturbed(staged, backfilled)


# While a statement goes on --------------------------------------------------------------------------------------------


@contextmanager
def held_up_copy(sandbox: Sandbox, table: str, column: str) -> Iterator[Callable[[], None]]:
    """Lets whoever copies a column of a table out of PostgreSQL wait, until the function given is called."""
    gate = 40_714
    sandbox.postgres(
        f"""
        create function gate() returns boolean language plpgsql as $$
        begin
            if current_query() like 'COPY%"{column}"%' then
                perform pg_advisory_lock_shared({gate});
                perform pg_advisory_unlock_shared({gate});
            end if;
            return true;
        end
        $$;
        create policy gated on "{table}" using ((select gate()));
        alter table "{table}" enable row level security;
        """
    )
    holder = psycopg2.connect(sandbox.postgres_dsn)
    holder.autocommit = True
    try:
        with holder.cursor() as cursor:
            cursor.execute(f"select pg_advisory_lock({gate})")
        yield holder.close
    finally:
        holder.close()
        sandbox.postgres(
            f'alter table "{table}" disable row level security; drop policy gated on "{table}"; drop function gate()'
        )


def test_a_copy_that_goes_on_after_the_kill_is_outlasted(parsed: ParsedProject, backfilled: Project) -> None:
    sandbox, models = parsed.sandbox, ("stg_user", "stg_user_engagement", FOLLOWS)
    copy = f"insert into `{parsed.database}`.`stg_user_engagement__scratch_"
    with held_up_copy(sandbox, "UserEngagement", "targetUserId") as let_go:
        run = parsed.start("run", "--select", *models)
        kill_at(run, lambda: statements_of(sandbox, copy))
        again = parsed.start("run", "--select", *models)
        wait_until(lambda: "holds the lock" in again.output)
        assert len(statements_of(sandbox, copy)) == 1
        let_go()
        assert again.wait() == 0, again.output
    staged = "select count(), sum(cityHash64(* except _landed_at)) from {}.stg_user_engagement"
    assert sandbox.rows(staged.format(parsed.database)) == sandbox.rows(staged.format(backfilled.database))
    assert_as_undisturbed(parsed, backfilled, FOLLOWS)


def test_a_build_that_goes_on_after_the_kill_is_outlasted(staged: ParsedProject, backfilled: Project) -> None:
    run, source = staged.sandbox.command, f"{staged.database}.stg_user_engagement"
    run(f"rename table {source} to {staged.database}.engagement")
    run(f"create view {source} as select * from {staged.database}.engagement where sleepEachRow(0.005) = 0")
    build = f"insert into `{staged.database}`.`{FOLLOWS}__clone_"
    killed = staged.start("run", "--select", FOLLOWS)
    kill_at(killed, lambda: statements_of(staged.sandbox, build))
    assert statements_of(staged.sandbox, build)
    assert "holds the lock" in staged.run(FOLLOWS)
    assert_as_undisturbed(staged, backfilled, FOLLOWS)


def test_an_insert_into_the_log_that_goes_on_after_the_kill_is_outlasted(
    staged: ParsedProject, backfilled: Project
) -> None:
    run, seen = staged.sandbox.command, f"{staged.database}.seen_by_the_application"
    run(f"create table {seen} as {staged.event_log}")
    run(
        f"create materialized view {staged.database}.to_seen to {seen}"
        f" as select * from {staged.event_log} where sleepEachRow(0.0015) = 0"
    )
    killed = staged.start("run", "--select", GENERATIONS)
    insert = f"insert into `{staged.database}`.`entityMetricEvents`"
    kill_at(killed, lambda: statements_of(staged.sandbox, insert))
    assert statements_of(staged.sandbox, insert)
    assert "holds the lock" in staged.run(GENERATIONS)
    assert_as_undisturbed(staged, backfilled, GENERATIONS)
    columns = "entityType, entityId, userId, metricType, metricValue, createdAt"
    assert staged.sandbox.rows(f"select count(), sum(cityHash64({columns})) from {seen}") == staged.sandbox.rows(
        f"select count(), sum(cityHash64({columns})) from {staged.event_log} where {BEFORE}"
    )


# Between two steps of publication -------------------------------------------------------------------------------------


def intentions(project: Project) -> int:
    return project.sandbox.value(f"select count() from {project.database}.metric_publications where state = 'intended'")


@pytest.mark.parametrize("seed", [1])
def test_a_run_killed_once_its_intentions_are_entered_is_completed(
    staged: ParsedProject, backfilled: Project, seed: int
) -> None:
    models = (FOLLOWS, GENERATIONS, "image_reaction_events", "tip_events")
    staged.sandbox.command(
        f"create table {staged.database}.metric_publications as {backfilled.database}.metric_publications"
    )
    run = staged.start("run", "--select", *models)
    wait_until(lambda: intentions(staged) or run.has_ended())
    # As soon as it can be seen, or in the steps that follow.
    time.sleep([0, 0.03, 0.1][seed - 1])
    run.kill()
    staged.run(*models)
    assert_as_undisturbed(staged, backfilled, *models)


@pytest.mark.parametrize("moment", ["deleting", "intending"])
def test_a_replacement_killed_half_way_is_completed(staged: ParsedProject, backfilled: Project, moment: str) -> None:
    staged.run(FOLLOWS)
    log = staged.event_log
    staged.sandbox.command(f"insert into {log} select * from {log} where {BEFORE} and {of_pairs(pairs_of(FOLLOWS))}")
    replace = ("run", "--select", FOLLOWS, "--full-refresh")
    before = intentions(staged)
    run = staged.start(*replace, on_conflict="replace")
    if moment == "deleting":
        kill_at(run, lambda: statements_of(staged.sandbox, f"delete from `{staged.database}`"))
    else:
        kill_at(run, lambda: intentions(staged) > before)
    staged.dbt(*replace, on_conflict="replace")
    assert staged.fingerprint() == undisturbed(backfilled, FOLLOWS)
    assert f"{FOLLOWS}: nothing to do" in staged.run(FOLLOWS)
    assert leftovers(staged) == []
