"""The whole backfill on logs and servers of several kinds. That its numbers are right: test_parity.py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import PARSED, Project, new_project, start_sandbox, stop_sandbox
from event_log_checks import (
    BEFORE,
    CUTOFF,
    LIVE,
    Pair,
    Totals,
    catalog,
    closed_windows,
    ledger,
    leftovers,
    of_pairs,
    pairs_of,
    parts,
    totals,
)
from parsed_project import ParsedProject

MODELS = sorted({f"{row['events_model']}_events" for row in catalog()})
EVENTS = "path:models/events"
# The last second that a log without fractions of a second gives to the backfill's events.
BEFORE_WHOLE_SECOND = f"createdAt < toDateTime('{CUTOFF[:19]}', 'UTC')"


def nothing_due(output: str) -> bool:
    return "pending_events: nothing is due; every metric is published up to its cutoff" in output


# What one backfill gives ----------------------------------------------------------------------------------------------


def test_the_catalog_has_each_metric_once() -> None:
    assert len(set(pairs_of())) == len(catalog())


def test_every_metric_of_the_catalog_has_events_and_no_other_has(backfilled: Project) -> None:
    assert set(totals(backfilled)) == set(pairs_of())


def test_live_events_are_untouched(backfilled: Project, tmp_path: Path) -> None:
    application = Project(backfilled.sandbox, "default", tmp_path)
    assert application.fingerprint(LIVE)[0] > 1000
    assert backfilled.fingerprint(LIVE) == application.fingerprint(LIVE) == application.fingerprint()


def test_no_table_of_a_run_stays_behind(backfilled: Project) -> None:
    assert leftovers(backfilled) == []


def disagreement(expected: dict[int, tuple[int, int]], found: dict[int, tuple[int, int]]) -> str:
    """How found entities differ from the expected ones: a count of each kind of difference, and the first five."""
    kinds = {
        "missing": expected.keys() - found.keys(),
        "extra": found.keys() - expected.keys(),
        "too low": {entity for entity in expected.keys() & found.keys() if found[entity] < expected[entity]},
        "too high": {entity for entity in expected.keys() & found.keys() if found[entity] > expected[entity]},
    }
    if not any(kinds.values()):
        return ""
    first = sorted(set().union(*kinds.values()))[:5]
    return "\n".join(
        [
            ", ".join(f"{len(entities)} {kind}" for kind, entities in kinds.items())
            + f" of {len(expected)} entities; (events, sum) of the first:",
            *(f"  {entity}: expected {expected.get(entity)}, found {found.get(entity)}" for entity in first),
        ]
    )


def disagreements(expected: Totals, found: Totals) -> dict[Pair, str]:
    differences = {
        pair: disagreement(expected.get(pair, {}), found.get(pair, {})) for pair in expected.keys() | found.keys()
    }
    return {pair: difference for pair, difference in differences.items() if difference}


# Once more ------------------------------------------------------------------------------------------------------------


def test_running_again_changes_nothing_whatever_the_flags(published: ParsedProject, backfilled: Project) -> None:
    entered = ledger(published)

    assert nothing_due(published.backfill())
    assert published.fingerprint() == backfilled.fingerprint()

    assert nothing_due(published.publish(EVENTS, options=("--full-refresh",)))
    assert published.fingerprint() == backfilled.fingerprint()
    assert [row for row in ledger(published) if "pending" not in row] == [
        row for row in entered if "pending" not in row
    ]

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
    assert parsed.fingerprint() == backfilled.fingerprint()
    assert closed_windows(parsed) == closed_windows(backfilled)
    assert leftovers(parsed) == []


# Other servers, other logs, other commands ----------------------------------------------------------------------------


@pytest.fixture
def denver(parsed_once: ParsedProject, tmp_path: Path) -> Iterator[ParsedProject]:
    """A project like `parsed`, on servers of its own."""
    sandbox = start_sandbox(tmp_path / "denver", "--clickhouse-timezone", "America/Denver")
    try:
        new_project(sandbox, PARSED, tmp_path)
        yield replace(parsed_once, sandbox=sandbox, target=tmp_path)
    finally:
        stop_sandbox(sandbox)


def test_the_time_zone_of_the_server_changes_nothing(denver: ParsedProject, backfilled: Project) -> None:
    assert denver.sandbox.value("select timezone()") == "America/Denver"
    assert denver.fingerprint() == backfilled.fingerprint(LIVE)
    denver.backfill()
    assert denver.fingerprint() == backfilled.fingerprint()
    assert denver.fingerprint(BEFORE) == backfilled.fingerprint(BEFORE)


def test_build_of_one_entity_type_works_on_a_fresh_database(parsed: ParsedProject, backfilled: Project) -> None:
    parsed.dbt("build", "--select", "tag:model")
    of_models = "entityType = 'Model'"
    assert parsed.fingerprint(of_models) == backfilled.fingerprint(of_models)


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
    assert disagreements(totals(backfilled), totals(staged, BEFORE_WHOLE_SECOND)) == {}
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
    run = staged.sandbox.command
    target = f"{staged.database}.totals_of_the_application"
    run(
        f"""
        create table {target} (
            entityType LowCardinality(String), metricType LowCardinality(String), entityId Int32,
            events UInt64, total Int64
        ) engine = SummingMergeTree order by (entityType, metricType, entityId)
        """
    )
    run(
        f"""
        create materialized view {staged.database}.to_totals to {target} as
        select entityType, metricType, entityId, count() as events, toInt64(sum(metricValue)) as total
        from {staged.event_log}
        group by all
        """
    )

    def seen_by_view() -> Totals:
        seen: Totals = {}
        for entity_type, metric_type, entity_id, events, total in staged.sandbox.rows(
            f"select entityType, metricType, entityId, sum(events), sum(total) from {target} group by all"
        ):
            seen.setdefault((entity_type, metric_type), {})[entity_id] = (events, total)
        return seen

    before = staged.fingerprint()
    output = staged.publish(EVENTS, fails=True)
    assert f"Materialized views hang off the event log {staged.event_log}: {staged.database}.to_totals" in output
    assert "{log_views: skip}" in output and "{log_views: feed}" in output
    assert staged.fingerprint() == before

    output = staged.publish(EVENTS, log_views="feed")
    assert re.search(r"metrics published \(inserted\)", output)
    assert staged.fingerprint() == backfilled.fingerprint()
    assert disagreements(totals(backfilled), seen_by_view()) == {}

    assert nothing_due(staged.publish(EVENTS, log_views="feed"))
    assert staged.fingerprint() == backfilled.fingerprint()
    assert disagreements(totals(backfilled), seen_by_view()) == {}


def test_views_that_attaching_passes_by_can_be_filled_by_the_sql_that_is_printed(
    staged: ParsedProject, backfilled: Project
) -> None:
    run, seen = staged.sandbox.command, f"{staged.database}.seen"
    run(f"create table {seen} as {staged.event_log}")
    run(f"create materialized view {staged.database}.to_seen to {seen} as select * from {staged.event_log}")
    output = staged.publish("tag_engagement_events", log_views="skip")
    assert "metrics published (attached)" in output
    assert staged.sandbox.value(f"select count() from {seen}") == 0

    (statement,) = re.findall(r"^(?:\S+ +)?(insert into .*to_seen.*);$", output, re.M)
    run(statement)
    of_tags = f"entityType = 'Tag' and {BEFORE}"
    columns = "entityType, entityId, userId, metricType, metricValue, createdAt"
    assert staged.sandbox.rows(f"select {columns} from {seen} order by all") == staged.sandbox.rows(
        f"select {columns} from {backfilled.event_log} where {of_tags} order by all"
    )
