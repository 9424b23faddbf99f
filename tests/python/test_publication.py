"""Publication into the event log, protocol by protocol: dead runs, foreign hands, moved cutoffs, and their traces."""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from conftest import LOG, REPO, Project, Sandbox, drop_databases, run_program
from event_log_checks import (
    BEFORE,
    COLUMNS,
    CUTOFF,
    LIVE,
    MANY_PARTITIONS,
    assert_published_once,
    closed_windows,
    forget_published,
    insert_events,
    ledger,
    leftovers,
    nothing_due,
    of_pairs,
    pairs_of,
    parts,
    slow_down,
    statements_of,
    totals,
    undisturbed,
    unfinished,
    watched,
)
from parsed_project import ParsedProject, wait_until

FOLLOWS = "user_engagement_events"
CUTOFF_MILLISECONDS = 1_723_045_479_044
BEGINNING = "1970-01-01 00:00:00.000"
FOLLOWING = of_pairs([("User", "Following")])
OF_MAY = f"{FOLLOWING} and toYYYYMM(createdAt) = 202305"


@pytest.fixture(params=["attached", "inserted"])
def log(request: pytest.FixtureRequest, staged: ParsedProject) -> ParsedProject:
    """`staged`, whose log is attached to, or inserted into through a materialized view."""
    return fed(staged) if request.param == "inserted" else staged


def fed(project: ParsedProject) -> ParsedProject:
    """With a view that hangs off the log and is fed with what is published."""
    watched(project)
    return replace(project, vars={"log_views": "feed"})


def killed_over_publication(project: ParsedProject, *models: str, **vars: object) -> str:
    """Kills a run as soon as its publication is complete. Returns the name of what it leaves."""
    for _ in range(20):
        run = project.start_publishing(*models, **vars)
        wait_until(lambda run=run: unfinished(project) or run.has_ended())
        run.kill()
        wait_until(lambda: not statements_of(project.sandbox, "/* {"))
        if unfinished(project):
            return unfinished(project)[0]
        # It was finished before it could be killed: once more from the beginning.
        forget_published(project)
        delete_events(project, of_pairs(pairs_of(*models)))
    raise AssertionError("no run could be killed in time")


def delete_events(project: Project, where: str) -> int:
    """Deletes events of the log, never live ones. Returns how many."""
    (events,) = project.sandbox.rows(f"select count() from {project.event_log} where {BEFORE} and ({where})")[0]
    assert events > 0, "the case is empty"
    project.sandbox.command(f"delete from {project.event_log} where {BEFORE} and ({where})")
    return events


def content(project: Project) -> tuple:
    """Log and ledger."""
    return project.fingerprint(), ledger(project)


def entered(project: Project, before: dict) -> set[tuple[str, str]]:
    """The metrics of which windows were published since."""
    return {pair for pair, windows in closed_windows(project).items() if windows != before.get(pair)}


def test_readers_see_all_events_or_none(staged: ParsedProject, backfilled: Project) -> None:
    models = [FOLLOWS, "comment_events"]

    def events(project: Project) -> int:
        return project.fingerprint(f"{BEFORE} and {of_pairs(pairs_of(*models))}")[0]

    seen, run = set(), staged.start_publishing(*models)
    while not run.has_ended():
        seen.add(events(staged))
    assert run.exit_code == 0, run.output
    assert seen | {events(staged)} == {0, events(backfilled)}


def test_a_run_without_an_audit_says_so_at_its_end(staged: ParsedProject) -> None:
    said = "NOTHING WAS AUDITED: published_events went into the log without parity of User."
    assert said in staged.publish(FOLLOWS)
    assert said not in staged.publish(FOLLOWS)


def test_only_what_the_same_run_has_built_is_published(staged: ParsedProject) -> None:
    staged.run(FOLLOWS, *LOG[:-1])
    before = staged.fingerprint()
    output = staged.run("published_events", fails=True)
    assert "this run leaves out pending_events. Nothing was published." in " ".join(output.split())
    assert staged.fingerprint() == before


# Publications that dead runs leave ------------------------------------------------------------------------------------


def test_a_publication_is_finished_by_the_next_run_whatever_the_source_looks_like_by_then(
    log: ParsedProject, backfilled: Project
) -> None:
    killed_over_publication(log, FOLLOWS)
    log.sandbox.command(f"truncate table {log.database}.stg_user_engagement")
    output = log.publish("tag_engagement_events")
    assert "Finishing the publication that run" in output
    assert log.fingerprint() == undisturbed(backfilled, FOLLOWS, "tag_engagement_events")
    assert nothing_due(log.publish(FOLLOWS))
    assert leftovers(log) == []


@pytest.mark.parametrize("lost", ["toYYYYMM(createdAt) % 2 = 0", "true"], ids=["half", "all"])
def test_of_a_publication_what_the_log_lacks_is_added(log: ParsedProject, backfilled: Project, lost: str) -> None:
    """As a server leaves it that was killed in the middle of an attach: some months are there, others are not."""
    publication = killed_over_publication(log, FOLLOWS)
    run, source = log.sandbox.command, f"{log.database}.{publication}"
    run(f"delete from {log.event_log} where {BEFORE}")
    run(f"insert into {log.event_log} select * from {source} where not ({lost}) {MANY_PARTITIONS}")
    log.publish(FOLLOWS)
    assert_published_once(log, backfilled, FOLLOWS)
    assert nothing_due(log.publish(FOLLOWS))


def test_of_twins_as_many_are_added_as_are_missing(staged: ParsedProject, backfilled: Project) -> None:
    """An insert cut off in the middle of a month. Of equal events one may have arrived and the other not."""
    model = "generation_events"  # has events that are equal in every column
    log = fed(staged)
    publication = killed_over_publication(log, model)
    run = log.sandbox.command
    run(f"delete from {log.event_log} where {BEFORE}")
    run(
        f"insert into {log.event_log} select * from {log.database}.{publication}"
        f" where sipHash64(_part, _part_offset, 1) % 3 = 0 {MANY_PARTITIONS}"
    )
    log.publish(model)
    assert log.fingerprint() == undisturbed(backfilled, model)
    assert nothing_due(log.publish(model))
    assert leftovers(log) == []


def test_a_publication_in_part_is_not_completed_among_foreign_events(staged: ParsedProject) -> None:
    publication = killed_over_publication(staged, FOLLOWS)
    run = staged.sandbox.command
    run(f"delete from {staged.event_log} where {BEFORE}")
    of_may = f"select * from {staged.database}.{publication} where toYYYYMM(createdAt) = 202305 limit 3"
    run(f"insert into {staged.event_log} {of_may}")
    insert_events(staged, FOREIGN[0])
    found = staged.fingerprint()
    output = staged.publish(FOLLOWS, fails=True)
    assert "holds a part of a publication, and other events among it" in output
    assert "User Following, partition 202305: to be published" in output
    assert staged.fingerprint() == found
    assert len(unfinished(staged)) == 1
    # The error has given the lock back.
    assert "is at work" not in staged.publish(FOLLOWS, fails=True)


def test_a_publication_for_another_log_is_not_mistaken_for_one_for_this(staged: ParsedProject) -> None:
    killed_over_publication(staged, FOLLOWS)
    other = f"{staged.database}.other"
    staged.sandbox.command(f"create table {other} as {staged.event_log}")
    output = staged.publish(FOLLOWS, fails=True, event_log=other)
    assert f"A dead run has left a publication for the event log {staged.event_log}" in output
    assert staged.sandbox.value(f"select count() from {other}") == 0


def test_events_that_the_log_holds_already_are_taken_as_published_without_any_ledger(
    staged: ParsedProject, backfilled: Project
) -> None:
    staged.publish(FOLLOWS)
    forget_published(staged)
    written = parts(staged)
    staged.publish(FOLLOWS)
    assert parts(staged) == written
    assert_published_once(staged, backfilled, FOLLOWS)


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
    output = staged.publish(FOLLOWS, fails=True)
    assert "Of their entity types nothing was changed" in output

    for metric, partition, found in (("Following", 202305, "2 (sum 5)"), ("Hidden", 202408, "1 (sum 5)")):
        events, value = expected[(metric, partition)]
        assert (
            f"User {metric}, partition {partition}: this run would publish {events} event{'s' * (events != 1)}"
            f" (sum {value}), the log holds {found}"
        ) in output
    assert "Follower, partition" not in output
    assert "on_conflict: replace" in output
    assert "on_conflict: skip" in output
    assert staged.fingerprint() == before
    assert parts(staged) == written
    assert closed_windows(staged) == {}
    assert leftovers(staged) == []


def test_a_conflict_of_one_entity_type_does_not_keep_back_the_others(
    staged: ParsedProject, backfilled: Project
) -> None:
    model = "image_reaction_events"
    insert_events(staged, ("User", 1, 4, "UserImageReaction", 2, "2023-05-06 07:08:09.010"))
    output = staged.publish(model, fails=True)
    assert "User UserImageReaction, partition 202305: this run would publish" in output
    others = f"{BEFORE} and {of_pairs(pairs_of(model))} and entityType != 'User'"
    assert staged.fingerprint(others) == backfilled.fingerprint(others)
    assert {entity_type for entity_type, _ in closed_windows(staged)} == {"Image", "Post"}

    staged.publish(model, on_conflict="replace")
    assert staged.fingerprint() == undisturbed(backfilled, model)
    assert nothing_due(staged.publish(model))


def test_replace_deletes_the_foreign_events_of_these_metrics_in_the_window_only(
    log: ParsedProject, backfilled: Project
) -> None:
    staged = log
    insert_events(staged, *NEIGHBOURS)
    (events, value, hashes), neighbours = undisturbed(backfilled, FOLLOWS), staged.fingerprint()
    live = backfilled.fingerprint(LIVE)
    insert_events(staged, *FOREIGN)

    staged.publish(FOLLOWS, on_conflict="replace")
    assert staged.fingerprint() == (
        events + neighbours[0] - live[0],
        value + neighbours[1] - live[1],
        (hashes + neighbours[2] - live[2]) % 2**64,
    )
    assert nothing_due(staged.publish(FOLLOWS))
    assert leftovers(staged) == []


def test_skip_keeps_the_foreign_events_and_publishes_the_rest(log: ParsedProject, backfilled: Project) -> None:
    staged = log
    insert_events(staged, *FOREIGN, *NEIGHBOURS)
    hidden = of_pairs([("User", "Hidden")])
    skipped = f"({OF_MAY} or {hidden} and toYYYYMM(createdAt) = 202408)"
    kept = staged.fingerprint(f"{BEFORE} and {skipped}")
    live = staged.fingerprint(LIVE)
    assert kept[0] == len(FOREIGN)

    staged.publish(FOLLOWS, on_conflict="skip")
    assert staged.fingerprint(f"{BEFORE} and {skipped}") == kept
    assert staged.fingerprint(LIVE) == live
    others = f"{BEFORE} and {of_pairs(pairs_of(FOLLOWS))} and not {skipped}"
    assert staged.fingerprint(others) == backfilled.fingerprint(others)
    assert nothing_due(staged.publish(FOLLOWS))


@pytest.mark.parametrize("first", [None, "2023-01-01"], ids=["in the first window", "in a later one"])
def test_foreign_events_of_a_metric_of_which_the_source_has_none_are_replaced_by_nothing(
    staged: ParsedProject, first: str | None
) -> None:
    if first:
        staged.publish(FOLLOWS, cutoff=first)
    staged.sandbox.command(f"delete from {staged.database}.stg_user_engagement where type = 'Hide'")
    insert_events(staged, FOREIGN[2])
    assert "User Hidden, partition 202408: this run would publish 0 events" in staged.publish(FOLLOWS, fails=True)
    staged.publish(FOLLOWS, on_conflict="replace")
    later = f"{BEFORE} and createdAt >= '{first or BEGINNING}'"
    assert staged.fingerprint(f"{later} and {of_pairs([('User', 'Hidden')])}")[0] == 0
    assert staged.fingerprint(f"{later} and {FOLLOWING}")[0] > 0
    assert nothing_due(staged.publish(FOLLOWS))


def test_hundreds_of_partitions_are_replaced_while_others_write(staged: ParsedProject, backfilled: Project) -> None:
    """In a log of a partition a day, each of which holds foreign events."""
    run, log = staged.sandbox.command, staged.event_log
    run(f"drop table {log} sync")
    run(
        f"create table {log} as default.entityMetricEvents engine = MergeTree"
        " partition by toYYYYMMDD(createdAt) order by (entityType, entityId, createdAt)"
    )
    run(f"insert into {log} select * from default.entityMetricEvents {MANY_PARTITIONS}")
    day = "toDateTime64('2022-12-01', 3, 'UTC') + toIntervalDay(number)"
    run(f"insert into {log} select 'User', 1, 4, 'Following', 9, {day} from numbers(200) {MANY_PARTITIONS}")
    publishing = staged.start_publishing(FOLLOWS, on_conflict="replace")
    writer = Sandbox(staged.sandbox.dir, staged.sandbox.env)
    written = 0
    while not publishing.has_ended():
        writer.command(f"insert into {log} values ('Tag', 7, 4, 'Follower', 1, now64(3))")
        written += 1
        time.sleep(0.05)
    assert publishing.wait() == 0, publishing.output
    assert written > 0
    live = "entityType = 'Tag' and entityId = 7 and createdAt > now() - interval 1 hour"
    assert staged.fingerprint(live)[0] == written
    assert staged.fingerprint(f"not ({live})") == undisturbed(backfilled, FOLLOWS)
    assert nothing_due(staged.publish(FOLLOWS))


def test_a_delete_that_arrives_after_another_run_has_taken_over_fails(
    staged: ParsedProject, backfilled: Project
) -> None:
    insert_events(staged, *FOREIGN)
    before = staged.target / "statements"
    staged.publish(FOLLOWS, options=("--log-level-file", "debug"), on_conflict="replace")
    log = max(staged.target.glob("run-*/dbt.log"), key=lambda path: path.stat().st_mtime_ns).read_text()
    (delete,) = re.findall(r"^\s*(delete from `.*?)\s+\.\.\.$", log, re.M | re.S)
    assert nothing_due(staged.publish(FOLLOWS)), before
    published = staged.fingerprint()
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        staged.sandbox.command(delete)
    assert staged.fingerprint() == published == undisturbed(backfilled, FOLLOWS)


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
    staged.publish(FOLLOWS)
    events, value, _ = staged.fingerprint(OF_MAY)
    damage(staged)
    damaged, found = content(staged), staged.fingerprint(OF_MAY)

    # Refreshing without on_conflict is no licence to replace.
    options = () if damage is lose_one_event else ("--full-refresh",)
    output = staged.publish(FOLLOWS, options=options, fails=True)
    assert "no longer holds what" in output
    assert (
        f"User Following, partition 202305: published {events} events (sum {value}), found {found[0]} (sum {found[1]})"
    ) in output
    assert "--full-refresh" in output and "on_conflict: replace" in output
    assert "Follower, partition" not in output and "Hidden, partition" not in output
    assert content(staged) == damaged
    assert leftovers(staged) == []

    staged.publish(FOLLOWS, options=("--full-refresh",), on_conflict="replace")
    assert staged.fingerprint() == undisturbed(backfilled, FOLLOWS)
    assert nothing_due(staged.publish(FOLLOWS))


def test_full_refresh_with_replace_publishes_what_the_source_holds_now(staged: ParsedProject) -> None:
    staged.publish(FOLLOWS)
    run = staged.sandbox.command
    # Some of the months change, and one metric loses its last event.
    source = f"{staged.database}.stg_user_engagement"
    run(f"delete from {source} where type = 'Hide' or userId % 7 = 0")
    staged.publish(FOLLOWS, options=("--full-refresh",), on_conflict="replace")
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
    staged.publish(FOLLOWS)
    assert staged.sandbox.rows(published) == expected


# Cutoffs --------------------------------------------------------------------------------------------------------------


def test_a_later_cutoff_publishes_what_lies_between_and_ends_as_one_run_would(
    staged: ParsedProject, backfilled: Project
) -> None:
    staged.sandbox.command(f"truncate table {staged.event_log}")
    models = [FOLLOWS, "comment_events"]
    of_models, first = of_pairs(pairs_of(*models)), "2024-01-15 12:34:56.789"
    until_first = f"createdAt < toDateTime64('{first}', 3, 'UTC')"

    staged.publish(*models, cutoff=first)
    assert staged.fingerprint() == backfilled.fingerprint(f"{of_models} and {until_first}")
    written = parts(staged)

    staged.publish(*models)
    assert parts(staged) > written
    assert staged.fingerprint() == backfilled.fingerprint(f"{of_models} and {BEFORE}")
    assert {tuple((start, end) for start, end, _ in windows) for windows in closed_windows(staged).values()} == {
        ((BEGINNING, first), (first, CUTOFF))
    }

    damaged = delete_events(staged, f"{FOLLOWING} and toYYYYMM(createdAt) = 202401 and not ({until_first})")
    assert damaged
    assert "User Following, partition 202401: published" in staged.publish(FOLLOWS, fails=True)
    staged.publish(FOLLOWS, options=("--full-refresh",), on_conflict="replace")
    assert staged.fingerprint() == backfilled.fingerprint(f"{of_models} and {BEFORE}")
    assert nothing_due(staged.publish(FOLLOWS))


def test_a_conflict_in_the_second_window_is_replaced_there_and_not_in_the_first(
    staged: ParsedProject, backfilled: Project
) -> None:
    first = "2024-01-15 12:34:56.789"
    staged.publish(FOLLOWS, cutoff=first)
    insert_events(staged, ("User", 1, 4, "Following", 9, first))
    published = ledger(staged, "state != 'pending'")
    assert "User Following, partition 202401: this run would publish" in staged.publish(FOLLOWS, fails=True)
    assert ledger(staged, "state != 'pending'") == published
    staged.publish(FOLLOWS, on_conflict="replace")
    assert staged.fingerprint() == undisturbed(backfilled, FOLLOWS)
    assert nothing_due(staged.publish(FOLLOWS))


def test_an_earlier_cutoff_than_the_published_one_is_refused(staged: ParsedProject) -> None:
    staged.publish(FOLLOWS)
    published = content(staged)
    output = staged.publish(FOLLOWS, cutoff="2024-08-07 15:44:39.043", fails=True)
    assert "The cutoff of User is 2024-08-07 15:44:39.043" in output
    assert f"is published up to {CUTOFF}" in output
    assert content(staged) == published
    assert leftovers(staged) == []


def test_each_entity_type_ends_at_a_cutoff_of_its_own(staged: ParsedProject, backfilled: Project) -> None:
    image, post = "2024-01-15 12:34:56.789", "2024-01-01"
    staged.publish("tip_events", cutoffs={"Image": image, "Post": post})
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
    in_view = f"select count(), sum(metricValue) from {staged.database}.published_events"
    assert staged.sandbox.rows(in_view) == [staged.fingerprint(f"{BEFORE} and {of_pairs(pairs_of('tip_events'))}")[:2]]

    staged.publish("tip_events")
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
        staged.publish("comment_events", cutoff=cutoff)
        assert staged.sandbox.rows(found) == [("2023-06-01 00:00:00.000",)]


def test_a_metric_without_events_is_published_once_its_source_has_rows(
    staged: ParsedProject, backfilled: Project
) -> None:
    run, source = staged.sandbox.command, f"{staged.database}.stg_user_engagement"
    run(f"create table {staged.database}.kept as {source}")
    run(f"insert into {staged.database}.kept select * from {source} where type = 'Hide'")
    run(f"delete from {source} where type = 'Hide'")
    staged.publish(FOLLOWS)
    assert set(closed_windows(staged)) == {("User", "Following"), ("User", "Follower")}

    run(f"insert into {source} select * from {staged.database}.kept")
    before = closed_windows(staged)
    staged.publish(FOLLOWS)
    assert entered(staged, before) == {("User", "Hidden")}
    assert_published_once(staged, backfilled, FOLLOWS)


# Logs of other kinds ------------------------------------------------------------------------------------------------

COLUMNS_OF_A_LOG = (
    "(entityType String, entityId Int32, userId Int32, metricType String, metricValue Int32, createdAt DateTime64(3))"
)
TTL = "ttl toDateTime(createdAt) + interval 9 year"
BY_ENTITY = "order by (entityType, entityId, createdAt)"


@pytest.mark.parametrize(
    ("ddl", "complaint"),
    [
        (f"{COLUMNS_OF_A_LOG} engine = ReplacingMergeTree {BY_ENTITY}", "changes events after they were published"),
        (f"{COLUMNS_OF_A_LOG} engine = SummingMergeTree(metricValue) {BY_ENTITY}", "changes events after they were"),
        (f"{COLUMNS_OF_A_LOG} engine = MergeTree {BY_ENTITY} {TTL}", "has a TTL that deletes or changes events"),
        (f"{COLUMNS_OF_A_LOG} engine = Memory", "its engine is Memory, which cannot take whole partitions"),
        ("as select * from default.entityMetricEvents", "its engine is View, which cannot take whole partitions"),
        (f"{COLUMNS_OF_A_LOG} engine = Null", "its engine is Null"),
        (f"{COLUMNS_OF_A_LOG} engine = Log", "its engine is Log"),
        (f"{COLUMNS_OF_A_LOG} engine = Merge(default, '^entityMetricEvents$')", "its engine is Merge"),
        (
            f"{COLUMNS_OF_A_LOG} engine = Buffer(default, entityMetricEvents, 1, 9, 9, 9, 9, 9, 9)",
            "its engine is Buffer",
        ),
        (
            f"{COLUMNS_OF_A_LOG.replace('userId Int32', 'userId Int32 ' + TTL)} engine = MergeTree {BY_ENTITY}",
            "one of its columns has a TTL",
        ),
        (f"{COLUMNS_OF_A_LOG.replace('userId Int32, ', '')} engine = MergeTree {BY_ENTITY}", "it has no column userId"),
        (
            f"{COLUMNS_OF_A_LOG.replace('entityId Int32', 'entityId String')} engine = MergeTree {BY_ENTITY}",
            "its column entityId is String; it must match",
        ),
        (
            f"{COLUMNS_OF_A_LOG[:-1]}, note String) engine = MergeTree {BY_ENTITY}",
            "its column note has no default, and no event fills it",
        ),
    ],
    ids=lambda value: None if value.startswith("(") else value.replace(" ", "-")[:30],
)
def test_a_log_that_would_not_keep_events_is_refused_before_anything_is_copied(
    parsed: ParsedProject, ddl: str, complaint: str
) -> None:
    parsed.sandbox.command(f"drop table {parsed.event_log} sync")
    kind = "view" if ddl.startswith("as ") else "table"
    parsed.sandbox.command(f"create {kind} {parsed.event_log} {ddl}")
    output = parsed.backfill(fails=True)
    assert f"The event log {parsed.event_log} cannot be published to. Nothing was copied." in " ".join(output.split())
    assert complaint in output
    tables = f"select name from system.tables where database like '{parsed.database}%'"
    assert parsed.sandbox.rows(tables) == [("entityMetricEvents",)]


def test_a_log_whose_old_events_move_to_another_volume_is_a_good_one(
    staged: ParsedProject, backfilled: Project
) -> None:
    ttl = "ttl toDateTime(createdAt) + interval 1 year to disk 'default' settings storage_policy = 'default'"
    staged.sandbox.command(f"drop table {staged.event_log} sync")
    staged.sandbox.command(f"create table {staged.event_log} {COLUMNS_OF_A_LOG} engine = MergeTree {BY_ENTITY} {ttl}")
    staged.publish(FOLLOWS)
    assert staged.fingerprint() == backfilled.fingerprint(f"{BEFORE} and {of_pairs(pairs_of(FOLLOWS))}")


def test_of_two_databases_of_models_that_start_at_the_same_time_one_publishes(
    staged: ParsedProject, backfilled: Project
) -> None:
    names = [f"{staged.database}_{number}" for number in ("one", "two")]
    projects = [replace(staged, database=name, vars={"event_log": staged.event_log}) for name in names]
    command = ("run", "--select", "tag:tag")
    try:
        runs = [project.start(*command) for project in projects]
        winner, loser = sorted((0, 1), key=lambda number: runs[number].wait())
        printed = [run.output for run in runs]
        assert (runs[winner].exit_code, runs[loser].exit_code) == (0, 1), printed
        refused = f"is published to by the models in the database '{names[winner]}'"
        assert refused in printed[loser] and "dbt run-operation release_event_log" in printed[loser]
        tables = f"select count() from system.tables where database like '{names[loser]}%'"
        assert staged.sandbox.value(tables) == 0
        assert staged.fingerprint() == undisturbed(backfilled, "tag_engagement_events")

        projects[loser].dbt("run-operation", "release_event_log")
        projects[loser].dbt(*command)
        assert staged.fingerprint() == undisturbed(backfilled, "tag_engagement_events")
        printed_now = projects[winner].dbt(*command, fails=True)
        assert f"is published to by the models in the database '{names[loser]}'" in printed_now
    finally:
        for name in names:
            drop_databases(staged.sandbox, name)


# Tables landed in part, or too early ----------------------------------------------------------------------------------


def test_a_table_landed_in_part_is_not_published(parsed: ParsedProject, backfilled: Project) -> None:
    slices = {"slice_size": 10, "parallel_slices": 1}
    tables = ("stg_user", "stg_user_engagement")
    run = parsed.start("run", "--select", *tables, "path:models/events", **slices)
    of_table = f"table = 'stg_user_engagement' and database = '{parsed.database}'"
    held = f"select uniqExact(partition_id) from system.parts where active and {of_table}"
    wait_until(lambda: parsed.sandbox.value(held) >= 3 or run.has_ended())
    run.kill()
    before = parsed.fingerprint()

    output = parsed.publish(FOLLOWS, fails=True, **slices)
    assert re.search(r"stg_user_engagement: landed in part, \d+ of \d+ slices, by a run that began at", output)
    assert "Nothing was published. Land them in the same run: dbt build --select tag:backfill." in output
    assert parsed.fingerprint() == before
    assert closed_windows(parsed) == {}

    parsed.publish(*tables, FOLLOWS, **slices)
    assert parsed.fingerprint() == undisturbed(backfilled, FOLLOWS)


def test_a_table_that_has_lost_rows_since_it_was_landed_is_not_published(staged: ParsedProject) -> None:
    staged.sandbox.command(f"alter table {staged.database}.stg_user_engagement drop partition id '0'")
    output = staged.publish(FOLLOWS, fails=True)
    assert re.search(r"stg_user_engagement: holds 0 of the \d+ rows landed", output)
    assert closed_windows(staged) == {}


def test_a_table_landed_before_the_cutoff_is_not_published(staged: ParsedProject, source: Sandbox) -> None:
    later = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S.000")
    before = staged.fingerprint()
    output = staged.publish("tag_engagement_events", fails=True, cutoff=later, settle_lag=0)
    said = " ".join(output.split())
    assert re.search(
        rf"stg_tag_engagement: landed at [\d: .-]+, which is not 0 s \(settle_lag\) after the cutoff {later}", said
    )
    assert staged.fingerprint() == before


def test_a_cutoff_that_has_not_settled_is_refused(parsed: ParsedProject, source: Sandbox) -> None:
    """A transaction that is still open may bring rows from before it."""
    cutoff = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(seconds=10)
    output = parsed.backfill(fails=True, cutoff=cutoff.strftime("%Y-%m-%d %H:%M:%S"))
    usable = (cutoff + datetime.timedelta(seconds=300)).strftime("%Y-%m-%d %H:%M:%S.000")
    assert f"It can be used from {usable} UTC on, settle_lag (300 s) after it." in " ".join(output.split())
    assert parsed.sandbox.rows(f"select name from system.tables where database = '{parsed.database}'") == [
        ("entityMetricEvents",)
    ]


# One metric of many, and what remains visible -------------------------------------------------------------------------


def test_a_metric_that_is_new_to_a_published_model_is_published_alone(
    staged: ParsedProject, backfilled: Project
) -> None:
    staged.publish(FOLLOWS)
    forget_published(staged, "metric_type = 'Follower'")
    delete_events(staged, of_pairs([("User", "Follower")]))
    before = closed_windows(staged)

    output = staged.publish(FOLLOWS)
    assert "events of 1 metric published" in output
    assert entered(staged, before) == {("User", "Follower")}
    assert_published_once(staged, backfilled, FOLLOWS)


def test_the_summary_is_what_the_log_holds_after_a_replacement_too(staged: ParsedProject) -> None:
    model = "tag_engagement_events"
    for _ in range(2):
        staged.publish(model, options=("--full-refresh",), on_conflict="replace")
        staged.sandbox.command(f"delete from {staged.database}.stg_tag_engagement where userId % 5 = 0")
    code, printed = run_program(REPO / "scripts" / "backfill_summary.py", env=staged.environment())
    assert code == 0, printed
    events, _, _ = staged.fingerprint(BEFORE)
    entities = staged.sandbox.value(f"select uniqExact(entityId) from {staged.event_log} where {BEFORE}")
    expected = ["2", f"{events:,}", f"{entities:,}"]
    assert [line.split() for line in printed.splitlines()[1:3]] == [["Tag", *expected], ["all", *expected]]


def test_long_work_speaks(staged: ParsedProject) -> None:
    slow_down(staged, "stg_user_engagement", seconds_a_row=0.005, times=2)
    output = staged.publish(FOLLOWS, "tag_engagement_events")
    seconds = r"in \d+\.\d s \([\d,]+ a second\)"
    assert re.search(rf"user_engagement_events: [\d,]+ events {seconds}; 0 of 2 views left", output)


def test_what_is_published_is_shown_by_a_view(staged: ParsedProject) -> None:
    insert_events(staged, *NEIGHBOURS)
    staged.publish(FOLLOWS)
    as_log = f"select count(), sum(cityHash64({COLUMNS.replace('metricValue', 'toInt32(metricValue)')})) from"
    assert staged.sandbox.rows(f"{as_log} {staged.database}.published_events") == staged.sandbox.rows(
        f"{as_log} {staged.event_log} where {BEFORE} and {of_pairs(pairs_of(FOLLOWS))}"
    )


def test_a_changed_rule_is_named_with_the_way_to_publish_anew(staged: ParsedProject) -> None:
    staged.publish("generation_events", cutoff="2024-01-01")
    published = staged.fingerprint()
    (busiest,) = staged.sandbox.rows(
        f"select entityId from {staged.event_log} where metricType = 'Generation' and entityType = 'ModelVersion'"
        f" and {BEFORE} group by 1 order by count() desc limit 1"
    )[0]
    changed = {"excluded_generation_versions": [int(busiest)]}
    # In a run that publishes a later window by the new rule, and in every run after it.
    assert "has changed since its history was published" in staged.publish("generation_events", **changed)
    published = staged.fingerprint()
    output = " ".join(staged.publish("generation_events", **changed).split())
    for entity_type, tag in (("Model", "model"), ("ModelVersion", "model_version")):
        assert f"The rule of {entity_type} Generation has changed since its history was published" in output
        assert f"dbt build --select tag:{tag} --full-refresh --vars '{{on_conflict: replace}}'" in output
    assert staged.fingerprint() == published

    staged.publish("generation_events", options=("--full-refresh",), on_conflict="replace", **changed)
    assert staged.fingerprint()[0] < published[0]
    assert "has changed since" not in staged.publish("generation_events", **changed)


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("type,", "type, -- Follow, Hide or Block", None),
        ("type,", "type, upper(type) as shout,", None),
        ("targetUserId,", "greatest(targetUserId, 0) as targetUserId,", "Follower, Hidden"),
        ("stg_user_engagement') }}", "stg_user_engagement') }} where userId > 1", "Following, Follower, Hidden"),
    ],
    ids=["comment", "unused_column", "used_column", "condition"],
)
def test_a_rule_has_changed_if_what_it_means_has(
    staged: ParsedProject, monkeypatch: pytest.MonkeyPatch, old: str, new: str, changed: str | None
) -> None:
    staged.publish(FOLLOWS)
    name = f"model.entity_metrics.{FOLLOWS}"
    model = staged.manifest.nodes[name]
    assert old in model.raw_code
    monkeypatch.setattr(model, "raw_code", model.raw_code.replace(old, new, 1))
    monkeypatch.setitem(staged.manifest.flat_graph["nodes"][name], "raw_code", model.raw_code)
    named = re.search("The rule of User (.*) has changed since", staged.publish(FOLLOWS))
    assert (named and named[1]) == changed


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
    staged.publish(FOLLOWS)
    assert staged.fingerprint(f"not ({until})") == live
    of_follows = of_pairs(pairs_of(FOLLOWS))
    assert totals(staged, until) == totals(backfilled, f"{BEFORE} and {of_follows}")
    assert nothing_due(staged.publish(FOLLOWS))
