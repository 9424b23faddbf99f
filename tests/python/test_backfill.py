"""The whole backfill on logs and servers of several kinds. That its numbers are right: test_parity.py."""

from __future__ import annotations

import re
from pathlib import Path

from conftest import Project, on_its_own
from event_log_checks import (
    BEFORE,
    COLUMNS,
    CUTOFF,
    LIVE,
    assert_published_once,
    closed_windows,
    leftovers,
    nothing_due,
    of_pairs,
    pairs_of,
    parts,
    totals,
    watched,
)
from parsed_project import ParsedProject

EVENTS = "path:models/events"
# The last second that a log without fractions of a second gives to the backfill's events.
BEFORE_WHOLE_SECOND = f"createdAt < toDateTime('{CUTOFF[:19]}', 'UTC')"


# What one backfill gives ----------------------------------------------------------------------------------------------


def test_live_events_are_untouched(backfilled: Project, tmp_path: Path) -> None:
    application = Project(backfilled.sandbox, "default", tmp_path)
    assert application.fingerprint(LIVE)[0] > 1000
    assert backfilled.fingerprint(LIVE) == application.fingerprint(LIVE) == application.fingerprint()


# Once more ------------------------------------------------------------------------------------------------------------


def test_running_again_changes_nothing_whatever_the_flags(published: ParsedProject, backfilled: Project) -> None:
    entered = closed_windows(published)

    assert nothing_due(published.backfill())
    assert published.fingerprint() == backfilled.fingerprint()

    assert nothing_due(published.publish(EVENTS, options=("--full-refresh",)))
    assert published.fingerprint() == backfilled.fingerprint()
    assert closed_windows(published) == entered

    # From PostgreSQL and from ClickHouse, counted once a user and counted each.
    anew = ("resource_review_events", "collection_item_events", "generation_events")
    written = parts(published)
    assert not nothing_due(published.publish(*anew, options=("--full-refresh",), on_conflict="replace"))
    assert published.fingerprint() == backfilled.fingerprint()
    # What is there already is not written again.
    assert parts(published) == written
    assert leftovers(published) == []


def test_four_backfills_at_the_same_time_wait_for_each_other(parsed: ParsedProject, backfilled: Project) -> None:
    runs = [parsed.start("run", "--select", "tag:backfill", lock_patience=10) for _ in range(4)]
    for run in runs:
        assert run.wait() == 0, run.output
    assert sum(nothing_due(run.output) for run in runs) == 3
    assert sum("is at work; waiting" in run.output for run in runs) == 3
    assert not any("takes over" in run.output for run in runs)
    assert_published_once(parsed, backfilled)


# Other servers, other logs, other commands ----------------------------------------------------------------------------


def test_the_time_zone_of_the_server_changes_nothing(
    parsed_once: ParsedProject, backfilled: Project, tmp_path: Path
) -> None:
    with on_its_own(parsed_once, tmp_path, "--clickhouse-timezone", "America/Denver") as denver:
        assert denver.sandbox.value("select timezone()") == "America/Denver"
        assert denver.fingerprint() == backfilled.fingerprint(LIVE)
        denver.backfill()
        assert denver.fingerprint() == backfilled.fingerprint()
        assert denver.fingerprint(BEFORE) == backfilled.fingerprint(BEFORE)


def log_in_seconds(project: Project, where: str) -> tuple:
    """Fingerprint of a log as one keeps it that knows no fractions of a second and no user below 0."""
    return project.sandbox.rows(
        f"""
        select count(), sum(metricValue), sum(cityHash64(
            toString(entityType), toInt64(entityId), greatest(toInt64(userId), 0), toString(metricType),
            toInt64(metricValue), toUnixTimestamp(toDateTime(createdAt, 'UTC'))
        ))
        from {project.event_log}
        where {where}
        """
    )[0]


def test_a_log_without_partitions_in_whole_seconds_and_unsigned_numbers(
    staged: ParsedProject, backfilled: Project
) -> None:
    run = staged.sandbox.command
    run(f"drop table {staged.event_log} sync")
    run(
        f"""
        create table {staged.event_log} (
            entityType String, entityId UInt32, userId UInt32, metricType String, metricValue UInt32, createdAt DateTime
        ) engine = MergeTree order by (entityType, entityId, createdAt)
        """
    )
    run(f"insert into {staged.event_log} select * from default.entityMetricEvents where metricValue > 0")
    live = f"not ({BEFORE_WHOLE_SECOND})"
    live_before = log_in_seconds(staged, live)
    assert live_before == log_in_seconds(staged, "true") == log_in_seconds(backfilled, f"{LIVE} and metricValue > 0")

    staged.publish(EVENTS)
    assert totals(staged, BEFORE_WHOLE_SECOND) == totals(backfilled)
    assert log_in_seconds(staged, live) == live_before

    # Only events of the cutoff's own second have moved, to the second before it.
    own_second = f"toDateTime(createdAt, 'UTC') = toDateTime('{CUTOFF[:19]}', 'UTC')"
    assert backfilled.fingerprint(f"{BEFORE} and {own_second}")[0] > 0
    earlier = f"createdAt < toDateTime('{CUTOFF[:19]}', 'UTC') - 1"
    assert log_in_seconds(staged, earlier) == log_in_seconds(backfilled, earlier)

    published = log_in_seconds(staged, "true")
    assert nothing_due(staged.publish(EVENTS))
    assert log_in_seconds(staged, "true") == published


def test_a_value_that_the_log_cannot_hold_is_an_error_that_names_it(staged: ParsedProject) -> None:
    tips = f"{staged.database}.stg_buzz_tip"
    (image,) = staged.sandbox.rows(f"select entityId from {tips} where entityType = 'Image' limit 1")[0]
    staged.sandbox.command(f"alter table {tips} modify column amount Int64")
    staged.sandbox.command(
        f"alter table {tips} update amount = 3000000000 where entityType = 'Image' and entityId = {image}"
        " settings mutations_sync = 2"
    )
    before = staged.fingerprint()
    output = " ".join(staged.publish("tip_events", fails=True).split())
    assert f"Cannot parse string 'Image Buzz of entity {image} has 3000000000' as Int32" in output
    assert staged.fingerprint() == before


def test_events_before_1970_are_published_as_of_its_first_second(staged: ParsedProject, backfilled: Project) -> None:
    staged.sandbox.command(
        f"alter table {staged.database}.stg_user_engagement update createdAt = toDateTime64('1950-01-01', 3, 'UTC')"
        f" where userId % 7 = 0 and {BEFORE} settings mutations_sync = 2"
    )
    staged.publish("user_engagement_events")
    published = of_pairs(pairs_of("user_engagement_events"))
    assert totals(staged, f"{BEFORE} and {published}") == totals(backfilled, f"{BEFORE} and {published}")
    early = f"select groupUniqArray(toString(createdAt, 'UTC')) from {staged.event_log} where createdAt < '2000-01-01'"
    assert staged.sandbox.value(early) == ["1970-01-01 00:00:01.000"]


def test_a_materialized_view_on_the_log_sees_every_event_once(staged: ParsedProject, backfilled: Project) -> None:
    seen, before = watched(staged), staged.fingerprint()
    output = staged.publish(EVENTS, fails=True)
    assert f"Materialized views hang off the event log {staged.event_log}: {seen}_by_view" in output
    assert "{log_views: skip}" in output and "{log_views: feed}" in output
    assert staged.fingerprint() == before

    each = f"select {COLUMNS}, count() from"
    published = staged.sandbox.rows(f"{each} {backfilled.event_log} where {BEFORE} group by all order by all")
    for expected in (r"metrics published \(inserted\)", "nothing is due"):
        assert re.search(expected, staged.publish(EVENTS, log_views="feed"))
        assert staged.fingerprint() == backfilled.fingerprint()
        assert staged.sandbox.rows(f"{each} {seen} group by all order by all") == published


def test_views_that_attaching_passes_by_can_be_filled_by_the_sql_that_is_printed(
    staged: ParsedProject, backfilled: Project
) -> None:
    seen = watched(staged)
    output = staged.publish("tag_engagement_events", log_views="skip")
    assert "metrics published (attached)" in output
    assert staged.sandbox.value(f"select count() from {seen}") == 0

    (statement,) = re.findall(r"^(?:\S+ +)?(insert into .*seen_by_view.*);$", output, re.M)
    staged.sandbox.command(statement)
    of_tags = f"entityType = 'Tag' and {BEFORE}"
    assert staged.sandbox.rows(f"select {COLUMNS} from {seen} order by all") == staged.sandbox.rows(
        f"select {COLUMNS} from {backfilled.event_log} where {of_tags} order by all"
    )
