"""The audit stands between what is built and what is published: dbt build does not publish over a red test."""

from __future__ import annotations

import re
import shutil

from conftest import REPO, Project, Sandbox
from event_log_checks import BEFORE, closed_windows, leftovers, of_pairs, undisturbed
from parity_checks import found
from parsed_project import ParsedProject, parse

TAGS = "tag_engagement_events"
# As dbt build does it, but for the unit tests, which notice most changes of a rule before anything is built.
FAST = ("--exclude-resource-type", "unit_test")
BUILD = ("build", "--select", "tag:tag", *FAST)
FOLLOWER = """metric('Tag', 'Follower', entity_id='tagId', when="type = 'Follow'"),"""


def test_a_rule_that_is_broken_so_that_no_unit_test_notices_is_not_published(
    changed: ParsedProject, backfilled: Project
) -> None:
    broken = FOLLOWER.replace("type = 'Follow'", "type = 'Follow' and tagId % 7 != 3")
    changed.change(f"models/events/{TAGS}.sql", FOLLOWER, broken)
    before = changed.fingerprint()
    output = changed.dbt("build", "--select", "tag:tag", fails=True)
    missing = found(output)["Tag Follower"]
    assert missing[0] > 0 and missing[1:] == (0, 0, 0)
    assert set(found(output)) == {"Tag Follower"}
    assert re.search(r"SKIP relation \S*published_events", output)
    assert changed.fingerprint() == before
    assert closed_windows(changed) == {}
    assert leftovers(changed) == []

    # Neither does what is pending slip through afterwards.
    assert "Nothing was published." in changed.dbt("run", "--select", "published_events", fails=True)
    assert changed.fingerprint() == before

    changed.change(f"models/events/{TAGS}.sql", broken, FOLLOWER)
    output = changed.dbt(*BUILD)
    assert "AUDITED" not in output
    assert changed.fingerprint() == undisturbed(backfilled, TAGS)

    # Nor are corrections published that the broken rule would make of good counters.
    reconcile = ("build", "--select", "tag:reconcile,tag:tag", *FAST)
    changed.dbt(*reconcile, reconcile_limit=1)
    before = changed.fingerprint()
    changed.change(f"models/events/{TAGS}.sql", FOLLOWER, broken)
    output = changed.dbt(*reconcile, fails=True, reconcile_limit=1)
    assert re.search(r"FAIL \d+ corrections_agree_tag", output)
    assert re.search(r"Tag Follower: \d+ corrections? contradicts? PostgreSQL; worst: Tag \d+ has", output)
    assert re.search(r"SKIP relation \S*published_corrections", output)
    assert changed.fingerprint() == before


def test_a_build_that_is_ahead_of_the_generated_lists_changes_nothing(changed: ParsedProject) -> None:
    """Without the lists, published_events would not wait for the test that compares the counts."""
    changed.change("macros/parity/expected_counts.sql", "        'expected_tag',\n", "")
    changed.change("macros/log/all_events.sql", f"        '{TAGS}',\n", "")
    before = changed.fingerprint()
    output = changed.dbt(*BUILD, fails=True)
    assert "What scripts/generate.py writes is behind the models. Nothing was changed." in output
    assert re.findall(r"^  +- (\w+\(\) lacks \w+)", output, re.M)[:2] == [
        f"all_events() lacks {TAGS}",
        "depends_on_expected_counts() lacks expected_tag",
    ]
    assert changed.fingerprint() == before
    assert leftovers(changed) == []


def test_a_metric_without_expected_counts_or_without_a_row_in_the_catalog_is_not_published(
    changed: ParsedProject,
) -> None:
    allowed = """metric('Tag', 'Allowed', entity_id='tagId', when="type = 'Allow'"),"""
    changed.change(f"models/events/{TAGS}.sql", FOLLOWER, f"{FOLLOWER}\n    {allowed}")
    before = changed.fingerprint()
    output = changed.dbt(*BUILD, fails=True)
    assert re.search(r"FAIL 1 catalog_agrees_with_models", output)
    assert found(output)["Tag Allowed"][1] > 0
    assert re.search(r"SKIP relation \S*published_events", output)
    assert changed.fingerprint() == before

    row = "Tag,Hidden,tag_engagement"
    changed.change("seeds/metric_catalog.csv", row, f"Tag,Allowed,tag_engagement,TagEngagement,,none,\n{row}")
    output = changed.dbt(*BUILD, fails=True)
    assert re.search(r"PASS catalog_agrees_with_models", output)
    assert found(output)["Tag Allowed"][1] > 0
    assert changed.fingerprint() == before


def test_a_metric_that_left_the_catalog_is_named_and_its_history_can_be_removed(
    changed: ParsedProject, backfilled: Project
) -> None:
    changed.dbt("run", "--select", "tag:tag", "resource_type:seed")
    live = changed.fingerprint(f"not ({BEFORE}) and {of_pairs([('Tag', 'Follower')])}")
    assert live[0] > 0
    refused = changed.dbt("run-operation", "remove_metric", "--args", "{metric: Tag Follower}", fails=True)
    assert "Tag Follower is a metric of the events models" in refused

    catalog = changed.files / "seeds" / "metric_catalog.csv"
    rows = catalog.read_bytes().splitlines(keepends=True)
    catalog.write_bytes(b"".join(row for row in rows if not row.startswith(b"Tag,Follower")))
    changed.change(f"models/events/{TAGS}.sql", f"    {FOLLOWER}\n", "")
    # A tracker's typo is in the log as well.
    changed.sandbox.command(
        f"insert into {changed.event_log} values ('Tag', 7, 4, 'Folower', 1, '2025-01-01 00:00:00')"
    )
    changed.dbt("seed")
    output = changed.dbt("test", "--select", "every_metric_in_the_log_is_known")
    assert "WARN 2 every_metric_in_the_log_is_known" in output
    assert re.search(r"Tag Follower is not in the catalog: \d+ events, \d+ of them backfilled", output)
    assert "Tag Folower is not in the catalog: 1 event, none of them backfilled" in output
    assert "dbt run-operation remove_metric --args '{metric: Tag Follower}'" in output

    removed = changed.dbt("run-operation", "remove_metric", "--args", "{metric: Tag Follower}")
    events = backfilled.fingerprint(f"{BEFORE} and {of_pairs([('Tag', 'Follower')])}")[0]
    assert f"Tag Follower: {events} backfilled events removed" in removed
    assert changed.fingerprint(BEFORE) == backfilled.fingerprint(f"{BEFORE} and {of_pairs([('Tag', 'Hidden')])}")
    assert changed.fingerprint(f"not ({BEFORE}) and {of_pairs([('Tag', 'Follower')])}") == live
    assert "nothing is due" in changed.dbt(*BUILD)

    # Should it ever come back, its history does, too.
    for path in (f"models/events/{TAGS}.sql", "seeds/metric_catalog.csv"):
        shutil.copy(REPO / path, changed.files / path)
    changed.manifest = parse(changed)
    changed.dbt(*BUILD)
    assert changed.fingerprint(BEFORE) == backfilled.fingerprint(f"{BEFORE} and entityType = 'Tag'")


def test_what_drifted_after_it_was_published_stands_in_nobody_s_way(parsed: ParsedProject, source: Sandbox) -> None:
    """Rows from before the cutoff that are deleted later: neither another build nor a reconcile stops at them."""
    # With the tests of expected counts that a reconcile of models and versions meets as well.
    reconcile = ("build", "--select", "tag:reconcile,tag:tag", "expected_application_metrics", *FAST)
    parsed.dbt(*BUILD)
    source.postgres('delete from "TagEngagement" where type = \'Hide\' and "tagId" % 3 = 0')
    assert "Tag Hidden" in found(parsed.dbt("test", "--select", "source_parity_tag", fails=True))
    parsed.dbt(*BUILD)
    output = parsed.dbt(*reconcile, reconcile_limit=1)
    assert re.search(r"PASS source_parity_model", output)
    assert re.search(r"Tag Hidden: \d+ entities \(\+0, -", output)
    assert found(parsed.dbt("test", "--select", "source_parity_tag", parity="present")) == {}


def test_history_of_two_windows_can_be_published_anew_with_an_audit(parsed: ParsedProject, backfilled: Project) -> None:
    # The legacy counters know only one cutoff.
    build = ("build", "--select", "tag:tag", *FAST, "--exclude", "test_name:legacy_parity")
    parsed.dbt(*build, cutoff="2024-01-01")
    parsed.dbt(*build)
    parsed.sandbox.command(f"delete from {parsed.event_log} where {BEFORE} and entityId % 2 = 0")
    parsed.dbt(*build, "--full-refresh", on_conflict="replace")
    assert parsed.fingerprint() == undisturbed(backfilled, TAGS)
    assert "nothing is due" in parsed.dbt(*build)


def test_a_part_is_audited_and_published_alone(parsed: ParsedProject, backfilled: Project) -> None:
    """On a fresh database, where nothing of other types was ever published."""
    output = parsed.dbt("build", "--select", "tag:tag")
    assert parsed.fingerprint() == undisturbed(backfilled, TAGS)
    assert re.search(r"PASS source_parity_tag", output)
    assert "AUDITED" not in output
    staged = parsed.sandbox.rows(
        f"select name from system.tables where database = '{parsed.database}' and startsWith(name, 'stg_')"
    )
    assert set(staged) == {("stg_tag",), ("stg_tag_engagement",)}


def test_rows_that_change_between_landing_and_audit_stop_nothing_once_the_application_has_recorded_it(
    parsed: ParsedProject, source: Sandbox
) -> None:
    parsed.run("stg_tag", "stg_tag_engagement")
    gone = source.postgres(
        """
        delete from "TagEngagement"
        where type = 'Hide' and "tagId" % 3 = 0 and "createdAt" < '2024-08-07'
        returning "tagId", "userId"
        """
    )
    tags = {tag for tag, _ in gone}
    assert len(tags) > 1

    def record(*rows: tuple[int, int]) -> None:
        values = ", ".join(f"('Tag', {tag}, {user}, 'Hidden', -1, now64(3))" for tag, user in rows)
        parsed.sandbox.command(f"insert into {parsed.event_log} values {values}")

    assert sum(found(parsed.dbt(*BUILD, fails=True))["Tag Hidden"]) == len(tags)
    # The events of one of them are still on their way.
    late = max(tags)
    record(*(row for row in gone if row[0] != late))
    output = parsed.dbt(*BUILD, fails=True)
    assert sum(found(output)["Tag Hidden"]) == 1
    assert f"worst: Tag {late} has" in output
    record(*(row for row in gone if row[0] == late))
    assert "AUDITED" not in parsed.dbt(*BUILD)
    assert leftovers(parsed) == []
    # History and live events together say what is left.
    assert found(parsed.dbt("test", "--select", "source_parity_tag", parity="present")) == {}
