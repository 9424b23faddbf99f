"""The windows for feeds on real servers: what the log adds up to, and reading only what changed misses nothing."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta

import pytest
from parsed_project import ParsedProject

MARTS = ("path:models/marts/totals", "path:models/marts/feeds")
COLUMNS = "entityType, entityId, userId, metricType, metricValue, createdAt"
WINDOWS = {"day": 1, "week": 7, "month": 30, "year": 365}
MILLISECOND = timedelta(milliseconds=1)
OF_THE_LOG = ("feed_metrics_add_up_to_the_log", "days_add_up_to_the_log", "totals_add_up_to_the_log")
Rows = dict[tuple[str, int, str], tuple[int, ...]]


def insert_events(project: ParsedProject, events: list[tuple[int, datetime, int]]) -> None:
    """Entity, moment and value of each."""
    rows = ", ".join(
        f"('Post', {entity}, 1, 'Buzz', {value}, toDateTime64('{moment:%Y-%m-%d %H:%M:%S.%f}', 3, 'UTC'))"
        for entity, moment, value in events
    )
    project.sandbox.client.query(f"insert into {project.event_log} ({COLUMNS}) values {rows}")


def feed(project: ParsedProject, where: str = "true") -> Rows:
    rows = project.sandbox.rows(f"select * from {project.database}.feed_metrics where {where}")
    return {(kind, entity, metric): tuple(windows) for kind, entity, metric, *windows in rows}


@pytest.fixture
def empty(parsed: ParsedProject) -> ParsedProject:
    parsed.sandbox.command(f"truncate table {parsed.event_log}")
    parsed.run("logged_events")
    return parsed


def test_each_window_holds_the_events_of_its_days_from_midnight_on_in_the_log_and_rolled_up(
    empty: ParsedProject,
) -> None:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    empty.run(*MARTS)
    expected, events = {}, []
    for entity, days in enumerate((0, *WINDOWS.values()), start=1):
        begins = midnight - timedelta(days=days)
        events += [(entity, begins, 1), (entity, begins - MILLISECOND, 10)]
        # A window that is longer than these days has the millisecond before them as well.
        windows = [0 if length < days else 1 if length == days else 11 for length in WINDOWS.values()]
        expected["Post", entity, "Buzz"] = (*windows, 11)
    insert_events(empty, events)
    assert feed(empty) == expected
    empty.run(*MARTS)
    assert empty.sandbox.value(f"select count() from {empty.database}.entity_metric_rollup") > len(WINDOWS)
    assert feed(empty) == expected
    assert feed(empty, "entityType = 'Post' and entityId in (2, 4)") == {
        key: windows for key, windows in expected.items() if key[1] in (2, 4)
    }
    empty.dbt("test", "--select", *OF_THE_LOG)

    # What is late is in the windows from the next roll-up on. One entity lacks what another has too much.
    insert_events(empty, [(entity, midnight - timedelta(days=3), value) for entity, value in ((1, 100), (2, -100))])
    for check in OF_THE_LOG:
        late = set(re.findall(r"Post Buzz, entity id (\d+)", empty.dbt("test", "--select", check, fails=True)))
        assert late == {"1", "2"}
    empty.run(*MARTS)
    empty.dbt("test", "--select", *OF_THE_LOG)
    assert feed(empty)["Post", 1, "Buzz"] == (11, 111, 111, 111, 111)


def test_who_reads_again_only_what_changed_has_all_windows_right_at_any_later_time(changed: ParsedProject) -> None:
    run, database = changed.sandbox.command, changed.database
    run(f"create table {database}.clock (moment DateTime64(3, 'UTC')) engine = Memory")
    changed.change("macros/marts/current_moment.sql", "now64(3, 'UTC')", f"(select max(moment) from {database}.clock)")

    def turn_clock_to(moment: datetime) -> None:
        run(f"insert into {database}.clock select toDateTime64('{moment:%Y-%m-%d %H:%M:%S.%f}', 3, 'UTC')")

    dice = random.Random(7)
    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    turn_clock_to(now)
    run(f"truncate table {changed.event_log}")
    changed.run("logged_events")
    insert_events(
        changed,
        [(dice.randrange(200), now - timedelta(days=400) * dice.random(), dice.choice((1, 1, -1))) for _ in range(400)],
    )
    changed.run(*MARTS)

    index = feed(changed)
    without_an_event = least = 0
    for step in (
        *(timedelta(minutes=10), timedelta(hours=1), timedelta(hours=8), timedelta(hours=8), timedelta(hours=8)),
        *(timedelta(days=days) for days in (1, 2, 1, 7, 5, 30, 1, 60, 1, 200, 90, 1, 366)),
    ):
        since, now = now, now + step
        events = [(dice.randrange(220), since + (now - since) * dice.random(), 1) for _ in range(dice.randrange(4))]
        # As it happens, the last of them comes with the millisecond in which the feed is read.
        insert_events(changed, [*events, (0, now, 1)])
        turn_clock_to(now)
        found = changed.sandbox.rows(
            f"select distinct entityType, entityId from {database}.feed_metric_changes"
            f" where changedAt >= toDateTime64('{since:%Y-%m-%d %H:%M:%S.%f}', 3, 'UTC')"
        )
        before, whole = dict(index), feed(changed)
        index |= feed(
            changed,
            f"(entityType, entityId) in (select entityType, entityId from {database}.feed_metric_changes"
            f" where changedAt >= toDateTime64('{since:%Y-%m-%d %H:%M:%S.%f}', 3, 'UTC'))",
        )
        assert index == whole
        really = {key for key in whole if before.get(key) != whole[key]}
        without_an_event += len({entity for _, entity, _ in really} - {entity for entity, *_ in events} - {0})
        least = min(least or len(found), len(found))
    assert without_an_event > 100
    assert least < 20 < len(index)
