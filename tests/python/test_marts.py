"""The totals marts on real servers: whatever happens to log and runs, readers see what the log adds up to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from conftest import Project
from event_log_checks import (
    COLUMNS,
    MANY_PARTITIONS,
    being_rebuilt,
    changed_months,
    leftovers,
    parts,
    seams,
    tables,
)
from parsed_project import ParsedProject, Run, wait_until

TOTALS = "path:models/marts/totals"
ROLLUP, SEALED = "entity_metric_rollup", "entity_metric_sealed"
YESTERDAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)


def insert_event(project: Project, moment: str, entity: int = 1, value: int = 1) -> None:
    moment = f"toDateTime64('{moment}', 3, 'UTC')"
    project.sandbox.command(
        f"insert into {project.event_log} ({COLUMNS}) select 'Post', {entity}, 1, 'Buzz', {value}, {moment}"
    )


def milliseconds(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:23]


def fill_log(project: Project, events: int = 2000) -> None:
    """With events of November 2023 to October 2024 and of the last three days; every month has two parts."""
    for half in (0, events // 2):
        project.sandbox.command(
            f"""
            insert into {project.event_log} ({COLUMNS})
            select
                ['Image', 'Post', 'User'][1 + number % 3],
                1 + sipHash64(number, 1) % 50,
                number % 20,
                ['Buzz', 'Comment', 'ReactionLike'][1 + sipHash64(number, 2) % 3],
                toInt32(sipHash64(number, 3) % 6) - 1,
                if(
                    number % 20 = 0,
                    now64(3, 'UTC') - toIntervalSecond(sipHash64(number, 4) % 259200),
                    toDateTime64('2023-11-01', 3, 'UTC') + toIntervalMillisecond(sipHash64(number, 4) % 31622400000)
                )
            from numbers({half}, {events // 2})
            {MANY_PARTITIONS}
            """
        )


@pytest.fixture
def empty(parsed: ParsedProject) -> ParsedProject:
    """A log without events, whose parts stay as they are written."""
    run = parsed.sandbox.command
    run(f"truncate table {parsed.event_log}")
    run(f"alter table {parsed.event_log} modify setting max_bytes_to_merge_at_max_space_in_pool = 1")
    # Totals are sealed up to noon of yesterday less half a day: no midnight can come in between.
    noon = YESTERDAY + timedelta(hours=12)
    parsed.vars |= {"settle_lag": int((datetime.now(UTC) - noon).total_seconds()), "lock_patience": 1}
    parsed.run("logged_events")
    return parsed


@pytest.fixture
def sealed(empty: ParsedProject) -> ParsedProject:
    """A log with events, rolled up and sealed."""
    fill_log(empty)
    empty.run(TOTALS)
    return empty


def assert_exact(project: Project) -> None:
    """Each total, and each day's, is what the log adds up to."""
    rows, database = project.sandbox.rows, project.database
    for mart, day, day_of_event in (
        ("entity_metric_totals", "", ""),
        ("entity_metric_daily", "day, ", "toDate(createdAt, 'UTC') as day, "),
    ):
        found = rows(f"select entityType, entityId, metricType, {day}total from {database}.{mart} order by all")
        assert found == rows(
            f"""
            select toString(entityType), toInt64(entityId), toString(metricType), {day_of_event}
                sum(toInt64(metricValue))
            from {project.event_log} group by all order by all
            """
        ), mart


def partitions_of(written: set[tuple[str, ...]]) -> set[str]:
    return {partition for partition, *_ in written}


def assert_two_generations_are_kept(project: Project) -> None:
    newest = sorted(generation for generation, _ in seams(project))[-2:]
    assert partitions_of(parts(project, SEALED)) == set(map(str, newest))


# What the log says ----------------------------------------------------------------------------------------------------


def test_totals_and_days_are_the_log_s_before_anything_is_sealed_and_after(empty: ParsedProject) -> None:
    at_boundary, just_before = milliseconds(YESTERDAY), milliseconds(YESTERDAY - timedelta(milliseconds=1))
    at_midnight_entity = f"select total from {empty.database}.entity_metric_totals where entityId = 1000"

    empty.run(TOTALS)
    assert seams(empty) == []
    fill_log(empty)
    assert_exact(empty)
    insert_event(empty, at_boundary, entity=1000)
    insert_event(empty, just_before, entity=1000, value=10)
    assert_exact(empty)

    empty.run(TOTALS)
    assert [boundary for _, boundary in seams(empty)] == [at_boundary]
    assert_exact(empty)
    assert empty.sandbox.rows(at_midnight_entity) == [(11,)]

    # What happens from the boundary on counts at once, what is late from the next run on.
    insert_event(empty, at_boundary, entity=1000)
    insert_event(empty, milliseconds(datetime.now(UTC)), entity=1001)
    assert_exact(empty)
    insert_event(empty, just_before, entity=1000, value=10)
    assert empty.sandbox.rows(at_midnight_entity) == [(12,)]
    empty.run(TOTALS)
    assert [boundary for _, boundary in seams(empty)] == [at_boundary] * 2
    assert_exact(empty)
    assert empty.sandbox.rows(at_midnight_entity) == [(22,)]

    written = parts(empty, ROLLUP), parts(empty, SEALED)
    assert all(written)
    assert f"{ROLLUP}: nothing to do" in empty.run(TOTALS)
    assert (parts(empty, ROLLUP), parts(empty, SEALED)) == written
    assert len(seams(empty)) == 2
    assert leftovers(empty) == []


# In Denver it is February.
LATE = f"insert into {{log}} ({COLUMNS}) select 'Post', 1, 1, 'Buzz', 1, toDateTime64('2024-03-01 03:00:00', 3, 'UTC')"

# A log that changes where it is sealed --------------------------------------------------------------------------------


def late_event(project: Project) -> set[str]:
    insert_event(project, "2024-02-29 23:59:59.999")
    return {"202402"}


def some_deleted(project: Project) -> set[str]:
    project.sandbox.command(
        f"delete from {project.event_log} where toYYYYMM(createdAt) = 202403 and entityType = 'Image'"
    )
    return {"202403"}


def a_month_deleted(project: Project) -> set[str]:
    """Its parts are still there."""
    project.sandbox.command(f"delete from {project.event_log} where toYYYYMM(createdAt) = 202404")
    return {"202404"}


def a_month_dropped(project: Project) -> set[str]:
    project.sandbox.command(f"alter table {project.event_log} drop partition 202405")
    return {"202405"}


def a_month_replaced(project: Project) -> set[str]:
    """By as many events."""
    log, other = project.event_log, f"{project.database}.other"
    project.sandbox.command(f"create table {other} as {log}")
    project.sandbox.command(
        f"insert into {other} select * replace(metricValue + 1 as metricValue)"
        f" from {log} where toYYYYMM(createdAt) = 202406"
    )
    project.sandbox.command(f"alter table {log} replace partition 202406 from {other}")
    return {"202406"}


def a_merge(project: Project) -> set[str]:
    before = parts(project)
    project.sandbox.command(f"optimize table {project.event_log} partition 202407 final")
    assert partitions_of(before ^ parts(project)) == {"202407"}
    return set()


def test_a_month_that_has_changed_is_rolled_up_anew_and_no_other(sealed: ParsedProject) -> None:
    changes: list[list[Callable[[Project], set[str]]]] = [
        [late_event, a_month_replaced, a_month_dropped],
        [a_merge],
        [some_deleted, a_month_deleted],
    ]
    for at_once in changes:
        before = parts(sealed, ROLLUP)
        expected = set().union(*(change(sealed) for change in at_once))
        output = sealed.run(ROLLUP, SEALED)
        assert partitions_of(before ^ parts(sealed, ROLLUP)) == expected
        assert (f"{ROLLUP}: nothing to do" in output) == (not expected)
        assert_exact(sealed)
    assert_two_generations_are_kept(sealed)

    sealed.sandbox.command(f"truncate table {sealed.event_log}")
    sealed.run(ROLLUP, SEALED)
    assert parts(sealed, ROLLUP) == set()
    assert_exact(sealed)


@pytest.mark.parametrize(
    ("ddl", "change"),
    [
        pytest.param(
            "entityType String, entityId Int32, userId Int32, metricType String, metricValue Int32,"
            " createdAt DateTime64(3)) engine = MergeTree order by createdAt",
            LATE,
            id="without partitions",
        ),
        pytest.param(
            "entityType LowCardinality(String), entityId UInt32, userId UInt32, metricType LowCardinality(String),"
            " metricValue Int32, createdAt DateTime)"
            " engine = MergeTree partition by toYYYYMM(createdAt) order by (entityType, entityId, createdAt)"
            " settings enable_block_number_column = 1, enable_block_offset_column = 1",
            # Patches the parts of the month instead of writing them anew.
            "delete from {log} where toYYYYMM(createdAt) = 202403 and entityId < 10"
            " settings lightweight_delete_mode = 'lightweight_update_force'",
            id="whole seconds, unsigned ids, patches",
        ),
        pytest.param(
            "entityType LowCardinality(String), entityId Int32, userId Int32, metricType LowCardinality(String),"
            " metricValue Int32, createdAt DateTime64(3, 'America/Denver'))"
            " engine = MergeTree partition by toYYYYMM(createdAt) order by (entityType, entityId, createdAt)",
            LATE,
            id="months of another time zone",
        ),
    ],
)
def test_a_log_of_another_shape_is_rolled_up_by_month_as_well(empty: ParsedProject, ddl: str, change: str) -> None:
    empty.sandbox.command(f"drop table {empty.event_log} sync")
    empty.sandbox.command(f"create table {empty.event_log} ({ddl}")
    fill_log(empty)
    insert_event(empty, "2024-03-01 00:00:00.000")
    insert_event(empty, "2024-02-29 23:59:59.000")
    empty.run(TOTALS)
    assert_exact(empty)
    before = parts(empty, ROLLUP)
    empty.sandbox.command(change.format(log=empty.event_log))
    empty.run(ROLLUP, SEALED)
    assert partitions_of(before ^ parts(empty, ROLLUP)) == {"202403"}
    assert_exact(empty)


# Readers, while marts are built ---------------------------------------------------------------------------------------


def answer(project: Project, mart: str = "entity_metric_totals") -> tuple:
    return project.sandbox.rows(f"select sum(total), count() from {project.database}.{mart}")[0]


@contextmanager
def readers(project: Project) -> Iterator[dict[str, list[tuple]]]:
    """Ask again and again for what all totals, and all days, add up to. Each answer stands once in succession."""
    answers: dict[str, list[tuple]] = {"entity_metric_totals": [], "entity_metric_daily": []}
    done = threading.Event()

    def read(mart: str) -> None:
        while not done.wait(0.02):
            try:
                found = answer(project, mart)
            except DatabaseError as error:
                found = ("error", str(error))
            if answers[mart][-1:] != [found]:
                answers[mart].append(found)

    threads = [threading.Thread(target=read, args=(mart,)) for mart in answers]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_readers_see_the_log_as_it_was_or_as_it_is_whatever_is_rebuilt(sealed: ParsedProject) -> None:
    before = answer(sealed)
    with readers(sealed) as seen:
        sealed.run(TOTALS, options=("--full-refresh",))
        assert_exact(sealed)
        sealed.run(SEALED, options=("--full-refresh",))
        assert_exact(sealed)
    assert seen["entity_metric_totals"] == [before]
    assert len(seen["entity_metric_daily"]) == 1

    with readers(sealed) as seen:
        insert_event(sealed, "2024-02-29 12:00:00.000", entity=1000)
        sealed.run(TOTALS)
        sealed.sandbox.command(f"delete from {sealed.event_log} where entityId = 1000")
        sealed.run(TOTALS)
    assert seen["entity_metric_totals"] == [before, (before[0] + 1, before[1] + 1), before]
    first, _, last = seen["entity_metric_daily"]
    assert first == last
    assert_exact(sealed)
    assert_two_generations_are_kept(sealed)


# Runs that die, and runs at once --------------------------------------------------------------------------------------


# In the order in which a run reaches them, which it does when the number rises.
MOMENTS: dict[str, Callable[[Project], int]] = {
    "the changed months are marked": changed_months,
    "they are being rolled up": lambda project: being_rebuilt(project, ROLLUP),
    "they are rolled up": lambda project: len(seams(project, "rolled up")),
    "totals are being sealed": lambda project: being_rebuilt(project, SEALED),
    "totals are sealed": lambda project: len(seams(project)),
}


def start_and_see(project: ParsedProject, moment: str, *options: str) -> Run:
    """Starts a run and returns when it has reached the moment, or soon after."""
    before = MOMENTS[moment](project)
    run = project.start("run", "--select", ROLLUP, SEALED, *options)
    wait_until(lambda: MOMENTS[moment](project) > before or run.has_ended())
    assert not run.has_ended(), f"it ended before this was seen: {moment}\n{run.output}"
    return run


def test_runs_killed_one_after_the_other_are_completed_by_the_next_and_readers_never_notice(
    sealed: ParsedProject,
) -> None:
    total, rows = answer(sealed)
    with readers(sealed) as seen:
        insert_event(sealed, "2024-02-29 12:00:00.000", entity=1000)
        start_and_see(sealed, "they are being rolled up", "--full-refresh").kill()
        # Each finds what the one before it has left, and comes further.
        for moment in MOMENTS:
            start_and_see(sealed, moment).kill()
        sealed.run(ROLLUP, SEALED)
    assert seen["entity_metric_totals"] == [(total, rows), (total + 1, rows + 1)]
    assert len(seen["entity_metric_daily"]) == 2
    assert_exact(sealed)
    assert_two_generations_are_kept(sealed)
    assert leftovers(sealed) == []
    assert "nothing to do" in sealed.run(ROLLUP, SEALED)


def test_a_first_run_that_was_killed_is_completed_by_the_next(empty: ParsedProject) -> None:
    fill_log(empty)
    run = empty.start("run", "--select", TOTALS)
    wait_until(lambda: tables(empty, f"name = '{ROLLUP}'") or run.has_ended())
    run.kill()
    empty.run(TOTALS)
    assert_exact(empty)
    assert leftovers(empty) == []


def test_a_full_refresh_that_only_slept_undoes_nothing(sealed: ParsedProject) -> None:
    sleeper = start_and_see(sealed, "the changed months are marked", "--full-refresh")
    with sleeper.paused():
        sealed.run(ROLLUP, SEALED)
    assert sleeper.wait() == 1
    assert "has taken over" in sleeper.output
    insert_event(sealed, milliseconds(YESTERDAY))
    sealed.run(ROLLUP, SEALED)
    assert_exact(sealed)


# What a run asks of the log while it holds the roll-up's lock: how its months are, and which have no event left.
HOW_MONTHS_ARE, EMPTY_MONTHS = "as known", "and month global not in (select toYYYYMM"


@contextmanager
def asleep_having_asked(question: str, project: ParsedProject, *args: str) -> Iterator[Run]:
    """A run that is paused after it has asked the log one of these questions."""
    command, log, events = project.sandbox.command, project.event_log, f"{project.database}.events"
    # A log that takes its time, until the run is asleep.
    command(f"rename table {log} to {events}")
    command(f"create view {log} as select * from {events} where sleepEachRow(0.0005) = 0")
    with project.asleep_after(question, *args) as run:
        command(f"drop table {log} sync")
        command(f"rename table {events} to {log}")
        yield run


def test_a_run_that_only_slept_drops_no_month_that_has_events_again(sealed: ParsedProject) -> None:
    """When it looked the month had no event left; they are back when it wakes, and another run has rolled them up."""
    run, log, database = sealed.sandbox.command, sealed.event_log, sealed.database
    run(f"create table {database}.kept as {log}")
    run(f"insert into {database}.kept select * from {log} where toYYYYMM(createdAt) = 202402")
    run(f"alter table {log} drop partition 202402")
    with asleep_having_asked(EMPTY_MONTHS, sealed, "run", "--select", ROLLUP) as sleeper:
        run(f"insert into {log} select * from {database}.kept")
        sealed.run(ROLLUP, SEALED)
    assert sleeper.wait() != 0
    assert "has taken over" in sleeper.output
    assert_exact(sealed)


def test_of_two_first_runs_at_once_the_second_waits_and_goes_on_with_what_the_first_has_made(
    empty: ParsedProject,
) -> None:
    fill_log(empty)
    empty.vars |= {"lock_patience": 60}
    with asleep_having_asked(HOW_MONTHS_ARE, empty, "run", "--select", TOTALS) as first:
        second = empty.start("run", "--select", TOTALS)
        wait_until(lambda: "is at work; waiting" in second.output)
    assert first.wait() == 0, first.output
    assert second.wait() == 0, second.output
    assert_exact(empty)
    # The log was a view when the first looked at its months, so the second has found them changed.
    before = seams(empty)
    assert "nothing to do" in empty.run(TOTALS)
    assert seams(empty) == before
    assert leftovers(empty) == []


def test_two_runs_at_once_end_exact(sealed: ParsedProject) -> None:
    insert_event(sealed, "2024-02-29 12:00:00.000")
    sealed.vars |= {"lock_patience": 60}
    with asleep_having_asked(EMPTY_MONTHS, sealed, "run", "--select", TOTALS) as first:
        second = sealed.start("run", "--select", TOTALS, "--full-refresh")
        wait_until(lambda: "is at work; waiting" in second.output)
    for run in (first, second):
        assert run.wait() == 0, run.output
    assert_exact(sealed)
    assert_two_generations_are_kept(sealed)
    assert leftovers(sealed) == []
