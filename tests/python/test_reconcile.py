"""Reconcile: the log follows the truth of the present, with one correction for each entity that differs."""

from __future__ import annotations

import random
import re
import threading
import time

import pytest
from conftest import GOALS_BY, Project, Sandbox, goals_by
from event_log_checks import (
    AT_ONCE,
    BEFORE,
    MANY_PARTITIONS,
    copy_landed,
    copy_ledger,
    corrections,
    forget_published,
    leftovers,
    nothing_due,
    unfinished,
    watched,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parity_checks import damage_log, differences, found
from parsed_project import ParsedProject, wait_until

ALL = "tag:reconcile"
# A small part of the project, whose runs take a second: hidden and followed tags.
TAGS = "tag:reconcile,tag:tag"
PRESENT = {"parity": "present"}


def reconcile(project: ParsedProject, select: str = ALL, fails: bool = False, **vars: object) -> str:
    """Without the audit, which needs another second."""
    return project.dbt("run", "--select", select, fails=fails, **{"reconcile_limit": 1, **vars})


def disagreements(project: ParsedProject, test: str = "test_name:source_parity") -> dict[str, tuple[int, ...]]:
    """What parity says of the present: nothing where all is well."""
    run = project.start("test", "--select", test, **PRESENT)
    run.wait()
    counts = found(run.output)
    assert (run.exit_code == 0) == (counts == {}), run.output
    return counts


@pytest.fixture
def settled(published: ParsedProject) -> ParsedProject:
    """A log of all metrics that agrees with the present. The seed's live events had drifted on purpose."""
    reconcile(published)
    assert disagreements(published) == {}
    return published


@pytest.fixture
def small(parsed: ParsedProject, backfilled: Project) -> ParsedProject:
    """What `backfilled` has of tags, and nothing else: quick to change."""
    run, log = parsed.sandbox.command, parsed.event_log
    run(f"truncate table {log}")
    run(f"insert into {log} select * from {backfilled.event_log} where entityType = 'Tag' {MANY_PARTITIONS}")
    copy_landed(backfilled, parsed, "name in ('stg_tag', 'stg_tag_engagement', 'metric_catalog')")
    copy_ledger(backfilled, parsed, "entity_type = 'Tag'")
    parsed.publish("tag_engagement_events")
    return parsed


@pytest.fixture
def tags(small: ParsedProject) -> ParsedProject:
    """A log that agrees with the present in the metrics of tags."""
    reconcile(small, TAGS)
    assert disagreements(small, "source_parity_tag") == {}
    return small


@pytest.mark.parametrize("way", GOALS_BY)
def test_a_column_that_went_away_is_compared_and_landed_as_null(
    settled: ParsedProject, sandbox: Sandbox, way: str
) -> None:
    before = settled.fingerprint()
    moved = {"pair": "modelVersionId", "old column": "entityId"}[way]
    of_column = f"select count({moved}) from {settled.database}.stg_donation_goal"
    assert sandbox.value(of_column) > 0
    with goals_by(sandbox, way):
        reconcile(settled)
        assert sandbox.value(of_column) == 0
        assert disagreements(settled) == {}
    assert settled.fingerprint() == before


def test_each_damage_is_repaired_and_nothing_else(settled: ParsedProject, source: Sandbox) -> None:
    before = settled.fingerprint()
    corrected = corrections(settled)
    source.postgres('delete from "TagEngagement" where type = \'Hide\' and "tagId" % 3 = 0')
    source.postgres('update "ResourceReview" set recommended = not recommended, rating = 6 - rating where id % 10 = 3')
    source.postgres('update "BuzzTip" set amount = amount + 5 where "entityType" = \'Image\' and "fromUserId" % 4 = 1')
    damage_log(settled)
    damage = disagreements(settled)
    assert {"Tag Hidden", "Model ThumbsUp", "Image Buzz", "Post ReactionHeart", "User Following", "Bounty Track"} < set(
        damage
    )

    damaged = settled.fingerprint()
    reconcile(settled)
    assert disagreements(settled) == {}
    added = {
        " ".join(metric): entities - corrected.get(metric, 0)
        for metric, entities in corrections(settled).items()
        if entities > corrected.get(metric, 0)
    }
    assert added == {metric: sum(counts) for metric, counts in damage.items()}

    assert settled.fingerprint()[0] == damaged[0] + sum(added.values()) != before[0]
    assert leftovers(settled) == []


def test_many_entities_are_corrected_some_at_a_time(
    changed: ParsedProject, tags: ParsedProject, source: Sandbox
) -> None:
    changed.change("macros/log/pending_corrections.sql", "batch(8192)", "batch(2)")
    source.postgres('delete from "TagEngagement" where type = \'Hide\' and "tagId" % 3 = 0')
    before, damage = corrections(changed), disagreements(changed, "source_parity_tag")
    assert sum(damage["Tag Hidden"]) > 4
    reconcile(changed, TAGS)
    assert disagreements(changed, "source_parity_tag") == {}
    assert corrections(changed)["Tag", "Hidden"] - before.get(("Tag", "Hidden"), 0) == sum(damage["Tag Hidden"])


def test_a_dry_run_says_what_it_would_write(tags: ParsedProject, source: Sandbox) -> None:
    source.postgres('delete from "TagEngagement" where type = \'Hide\' and "tagId" % 3 = 0')
    before, ledger, damage = tags.fingerprint(), corrections(tags), disagreements(tags, "source_parity_tag")
    output = reconcile(tags, TAGS, reconcile_dry_run=True)
    assert "published_corrections: dry run, nothing is written" in output
    assert f"  - Tag Hidden: {sum(damage['Tag Hidden'])} entities (+0, -" in output
    assert len(re.findall(r"^    Tag \d+ Hidden -\d+$", output, re.M)) == min(20, sum(damage["Tag Hidden"]))
    assert (tags.fingerprint(), corrections(tags)) == (before, ledger)
    assert leftovers(tags) == []


def test_only_slices_that_changed_are_landed_again(tags: ParsedProject, source: Sandbox) -> None:
    slices = {"slice_size": 50}
    reconcile(tags, TAGS, **slices)
    landed = f"select distinct _partition_id, _landed_at from {tags.database}.stg_tag_engagement order by 1"
    first = dict(source.rows(landed))
    assert len(first) > 5

    time.sleep(1.1)
    victim, last = sorted(first, key=int)[1], sorted(first, key=int)[-1]
    (column,) = source.rows(
        f"select sorting_key from system.tables where database = '{tags.database}' and name = 'stg_tag_engagement'"
    )
    key = column[0].split(",")[0]
    source.postgres(f'update "TagEngagement" set type = \'Allow\' where "{key}" / 50 = {victim}')
    reconcile(tags, TAGS, **slices)
    second = dict(source.rows(landed))
    assert {part for part in second if second[part] != first.get(part)} == {victim, last}
    assert disagreements(tags, "source_parity_tag") == {}

    time.sleep(1.1)
    reconcile(tags, TAGS, reconcile_mode="full", **slices)
    third = dict(source.rows(landed))
    assert all(third[part] > second[part] for part in third)


def test_a_broken_source_does_not_erase_the_counters(tags: ParsedProject, source: Sandbox) -> None:
    before = tags.fingerprint()
    source.postgres('delete from "TagEngagement"')
    for limit in ({}, {"reconcile_limit": 0.5}):
        output = tags.dbt("run", "--select", TAGS, fails=True, **limit)
        assert "would correct more than the share of the entities that reconcile_limit allows" in output
        assert re.search(r"- Tag: \d+ of \d+ entities would change", output)
        assert "Nothing was corrected." in output
        assert tags.fingerprint() == before
    assert leftovers(tags) == []

    reconcile(tags, TAGS)
    assert disagreements(tags, "source_parity_tag") == {}
    totals = (
        f"select sum(metricValue) as t from {tags.event_log} where entityType = 'Tag' group by entityId, metricType"
    )
    assert source.value(f"select count() from ({totals} having t != 0)") == 0


def test_what_was_not_landed_in_the_same_run_is_not_reconciled(tags: ParsedProject, source: Sandbox) -> None:
    before = tags.fingerprint()
    source.postgres('delete from "TagEngagement" where type = \'Hide\' and "tagId" % 3 = 0')
    output = tags.run("tag_engagement_events", "pending_corrections", "published_corrections", fails=True)
    assert "this run leaves out stg_tag, stg_tag_engagement. Nothing was corrected." in " ".join(output.split())
    assert tags.fingerprint() == before


def test_only_what_the_same_run_has_found_is_published(tags: ParsedProject, source: Sandbox) -> None:
    source.postgres('delete from "TagEngagement" where type = \'Hide\' and "tagId" % 3 = 0')
    reconcile(tags, TAGS, reconcile_dry_run=True)
    before = tags.fingerprint()
    assert "this run leaves out pending_corrections" in tags.run("published_corrections", fails=True)
    assert tags.fingerprint() == before


def test_history_that_is_not_published_yet_is_no_reason_for_a_correction(
    tags: ParsedProject, backfilled: Project
) -> None:
    forget_published(tags)
    tags.sandbox.command(f"alter table {tags.event_log} delete where {BEFORE} {AT_ONCE}")
    before = tags.fingerprint()
    output = " ".join(reconcile(tags, TAGS).split())
    assert "Not published up to the cutoff, and so not corrected there: Tag Hidden, Tag Follower." in output
    assert tags.fingerprint() == before

    tags.publish("tag_engagement_events")
    reconcile(tags, TAGS)
    assert disagreements(tags, "source_parity_tag") == {}


def test_history_is_put_back_and_the_correction_taken_back(tags: ParsedProject, backfilled: Project) -> None:
    lost = f"{BEFORE} and entityId % 2 = 0"
    tags.sandbox.command(f"alter table {tags.event_log} delete where {lost} {AT_ONCE}")
    reconcile(tags, TAGS)
    assert disagreements(tags, "source_parity_tag") == {}
    advice = tags.publish("tag_engagement_events", fails=True)
    assert "run tag:reconcile afterwards: it takes its correction back" in " ".join(advice.split())

    tags.publish("tag_engagement_events", options=("--full-refresh",), on_conflict="replace")
    reconcile(tags, TAGS)
    assert tags.fingerprint(BEFORE) == backfilled.fingerprint(f"entityType = 'Tag' and {BEFORE}")
    assert disagreements(tags, "source_parity_tag") == {}
    assert nothing_due(tags.publish("tag_engagement_events"))


def test_a_plain_run_corrects_nothing(tags: ParsedProject, source: Sandbox) -> None:
    before = tags.fingerprint()
    source.postgres('update "TagEngagement" set type = \'Allow\' where "tagId" % 2 = 0')
    output = tags.dbt("run", "--select", "tag:tag")
    assert "this run publishes history, and corrects nothing" in output
    assert tags.fingerprint() == before
    assert disagreements(tags, "source_parity_tag") != {}


def test_what_is_young_is_left_for_the_next_run(tags: ParsedProject, source: Sandbox) -> None:
    log = tags.event_log
    busy, quiet = (
        entity
        for (entity,) in source.rows(
            f"select entityId from {log} where entityType = 'Tag' and metricType = 'Follower'"
            " group by 1 order by count() desc limit 2"
        )
    )
    # A follower less in the source of both; the application has just told of one of them.
    for tag in (busy, quiet):
        source.postgres(
            'delete from "TagEngagement" where ctid = ('
            f'select min(ctid) from "TagEngagement" where type = \'Follow\' and "tagId" = {tag})'
        )
    source.command(f"insert into {log} values ('Tag', {busy}, 1, 'Follower', -1, now64(3))")
    before = corrections(tags).get(("Tag", "Follower"), 0)
    reconcile(tags, TAGS)
    assert corrections(tags)["Tag", "Follower"] == before + 1
    assert disagreements(tags, "source_parity_tag") == {}

    # Once settled, the event counts; nothing was corrected away.
    reconcile(tags, TAGS, settle_lag=0)
    assert corrections(tags)["Tag", "Follower"] == before + 1
    assert disagreements(tags, "source_parity_tag") == {}


def test_events_that_arrive_meanwhile_are_neither_lost_nor_corrected_away(tags: ParsedProject, source: Sandbox) -> None:
    """An application that follows and unfollows tags, in PostgreSQL and in the log, while runs go on."""
    users = [user for (user,) in source.postgres('select id from "User" order by id limit 200')]
    followed = [tag for (tag,) in source.postgres('select id from "Tag" order by id limit 20')]
    stop = threading.Event()
    application = Sandbox(source.dir, source.env)
    told: list[tuple] = []

    def live() -> None:
        choice = random.Random(5)
        while not stop.is_set():
            tag, user = choice.choice(followed), choice.choice(users)
            rows = application.postgres(
                f'insert into "TagEngagement" ("userId", "tagId", type, "createdAt")'
                f" values ({user}, {tag}, 'Follow', now() at time zone 'utc') on conflict do nothing returning 1"
            )
            if rows:
                application.command(
                    f"insert into {tags.event_log} values ('Tag', {tag}, {user}, 'Follower', 1, now64(3))"
                )
                told.append((tag, user))
            time.sleep(0.02)

    before = corrections(tags)
    writer = threading.Thread(target=live)
    writer.start()
    try:
        for _ in range(3):
            reconcile(tags, TAGS)
    finally:
        stop.set()
        writer.join()
    assert len(told) > 20
    assert corrections(tags) == before
    reconcile(tags, TAGS, settle_lag=0)
    assert corrections(tags) == before
    assert disagreements(tags, "source_parity_tag") == {}


@pytest.mark.parametrize("delay", [0, 0.05, 0.15])
def test_corrections_that_a_dead_run_was_about_to_publish_are_published_once(
    tags: ParsedProject, source: Sandbox, delay: float
) -> None:
    source.postgres('delete from "TagEngagement" where type = \'Hide\' and "tagId" % 3 = 0')
    wrong = disagreements(tags, "source_parity_tag")["Tag Hidden"]
    before = sum(corrections(tags).values())
    run = tags.start("run", "--select", TAGS, reconcile_limit=1)
    wait_until(lambda: unfinished(tags, complete=False) or run.has_ended())
    time.sleep(delay)
    run.kill()

    reconcile(tags, TAGS)
    assert disagreements(tags, "source_parity_tag") == {}
    assert sum(corrections(tags).values()) == before + sum(wrong)
    assert leftovers(tags) == []


def test_a_run_killed_at_any_moment_is_completed_by_the_next(tags: ParsedProject, source: Sandbox) -> None:
    choice = random.Random(11)
    for round_ in range(2):
        source.postgres(f'delete from "TagEngagement" where "userId" % 7 = {round_}')
        run = tags.start("run", "--select", TAGS, reconcile_limit=1)
        time.sleep(choice.uniform(0.2, 1.6))
        run.kill()
        reconcile(tags, TAGS)
        assert disagreements(tags, "source_parity_tag") == {}
        assert leftovers(tags) == []


def test_a_log_that_materialized_views_hang_off_shows_them_the_corrections(
    tags: ParsedProject, source: Sandbox
) -> None:
    seen = watched(tags)
    source.postgres('delete from "TagEngagement" where type = \'Hide\' and "tagId" % 3 = 0')
    before = tags.fingerprint()
    assert "Materialized views hang off the event log" in reconcile(tags, TAGS, fails=True)
    reconcile(tags, TAGS, log_views="feed")
    assert disagreements(tags, "source_parity_tag") == {}
    assert source.value(f"select count() from {seen}") == tags.fingerprint()[0] - before[0] > 0


def test_a_log_of_unsigned_values_is_refused(small: ParsedProject) -> None:
    small.sandbox.command(f"alter table {small.event_log} delete where metricValue < 0 {AT_ONCE}")
    small.sandbox.command(f"alter table {small.event_log} modify column metricValue UInt32")
    before = small.fingerprint()
    output = reconcile(small, TAGS, fails=True)
    assert "keeps metricValue as UInt32: it cannot hold corrections below 0." in output
    assert small.fingerprint() == before


DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(["delete rows", "turn rows", "delete events", "double events", "wrong type", "wrong value"]),
        st.integers(2, 9),
        st.integers(0, 8),
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(damage=DAMAGE)
def test_random_damage_always_ends_at_no_difference(
    tags: ParsedProject,
    source: Sandbox,
    damage: list[tuple[str, int, int]],
) -> None:
    log, of_tags = tags.event_log, "entityType = 'Tag' and metricType in ('Hidden', 'Follower')"
    for kind, step, first in damage:
        chosen = f"{of_tags} and entityId % {step} = {first % step}"
        rows = f'"tagId" % {step} = {first % step}'
        match kind:
            case "delete rows":
                source.postgres(f'delete from "TagEngagement" where {rows}')
            case "turn rows":
                source.postgres(
                    'update "TagEngagement" set type = '
                    f"(case type when 'Hide' then 'Follow' else 'Hide' end)::\"TagEngagementType\" where {rows}"
                )
            case "delete events":
                source.command(f"alter table {log} delete where {chosen} {AT_ONCE}")
            case "double events":
                source.command(f"insert into {log} select * from {log} where {chosen} {MANY_PARTITIONS}")
            case "wrong type":
                source.command(f"alter table {log} update metricType = 'Hidden' where {chosen} {AT_ONCE}")
            case "wrong value":
                source.command(f"alter table {log} update metricValue = metricValue + 3 where {chosen} {AT_ONCE}")
    reconcile(tags, TAGS)
    assert disagreements(tags, "source_parity_tag") == {}
    before = tags.fingerprint()
    reconcile(tags, TAGS)
    assert tags.fingerprint() == before
    assert differences(tags) == set()
