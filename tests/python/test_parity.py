"""Parity: the second bookkeeper agrees with the events, and names what does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from conftest import REPO, Project, Sandbox
from event_log_checks import BEFORE, CUTOFF, pairs_of
from parity_checks import damage_log, differences, drop_parity_views, found
from parsed_project import ParsedProject

SOURCE_PARITY = ("test", "--select", "test_name:source_parity")
LEGACY_PARITY = ("test", "--select", "test_name:legacy_parity")


@pytest.fixture(scope="session")
def parity_of_backfill(backfilled: Project) -> str:
    return backfilled.dbt(
        *(
            "test",
            "--select",
            "test_name:source_parity",
            "test_name:legacy_parity",
            "path:tests/invariants",
            "path:tests/audit",
        ),
        *("--exclude", "tag:marts"),
    )


def test_parity_is_green_after_a_backfill(backfilled: Project, parity_of_backfill: str) -> None:
    assert found(parity_of_backfill) == {}
    assert differences(backfilled) == set()
    assert re.search(r"PASS=\d+ WARN=[01] ERROR=0", parity_of_backfill)


def test_what_is_known_to_differ_is_shown_and_explained(parity_of_backfill: str) -> None:
    shown = re.findall(r"(\w+ \w+) and \w+Metric\.\w+: \d+ of \d+ entities differs? \(known: .+\)", parity_of_backfill)
    assert {"Model TipCount", "Model Download", "ModelVersion Generation"} <= set(shown)
    assert "ModelVersion TipAmount" not in shown


def test_every_metric_is_expected_to_be_something(sandbox: Sandbox, parity_of_backfill: str) -> None:
    """So that agreeing means something: PostgreSQL counts each metric of the catalog, but for those of ClickHouse."""
    expected = {
        (entity_type, metric_type)
        for path in (REPO / "tests" / "golden" / "models" / "parity" / "in_postgres").glob("*.sql")
        for entity_type, metric_type in sandbox.postgres(
            f"select entity_type, metric_type from ({path.read_text()}) as c group by 1, 2 having sum(expected) > 0"
        )
    }
    assert expected == {pair for pair in pairs_of() if pair[1] not in ("Download", "Generation", "Earned")}


DAMAGE_TO_SOURCE = {
    # rows deleted: what is left of the entity is less, or nothing
    "Tag Hidden": 'delete from "TagEngagement" where type = \'Hide\' and "tagId" % 3 = 0',
    # a recommendation turned round
    "ResourceReview": 'update "ResourceReview" set recommended = not recommended where id % 10 = 3',
    # a tip raised
    "Image Buzz": 'update "BuzzTip" set amount = amount + 5 where "entityType" = \'Image\' and "fromUserId" % 4 = 1',
}


def expected_of(project: Project, entity_type: str, metric_type: str, where: str = BEFORE) -> dict[int, int]:
    return dict(
        project.sandbox.rows(
            f"select toInt64(entityId), toInt64(sum(metricValue)) from {project.event_log}"
            f" where entityType = '{entity_type}' and metricType = '{metric_type}' and {where} group by all"
        )
    )


def counted(before: dict[int, int], after: dict[int, int]) -> tuple[int, ...]:
    """How a log with the totals `before` looks to a bookkeeper who counts `after`."""
    entities = before.keys() | after.keys()
    return (
        sum(entity not in before for entity in entities),
        sum(entity not in after for entity in entities),
        sum(before[e] < after[e] for e in before.keys() & after.keys()),
        sum(before[e] > after[e] for e in before.keys() & after.keys()),
    )


def test_damage_is_caught_by_name_and_counted(published: ParsedProject, source: Sandbox) -> None:
    # In the log: the truth is what it was before.
    truth = {
        metric: expected_of(published, *metric.split())
        for metric in ("Post ReactionHeart", "User Following", "Bounty Track", "Bounty Favorite")
    }
    damage_log(published, BEFORE)
    expected = {metric: counted(expected_of(published, *metric.split()), totals) for metric, totals in truth.items()}

    # In the source: the truth is PostgreSQL's afterwards.
    for statement in DAMAGE_TO_SOURCE.values():
        source.postgres(statement)
    before = "\"createdAt\" < timestamp '2024-08-07 15:44:39.044'"
    hidden = f'select "tagId", count(*) from "TagEngagement" where type = \'Hide\' and {before} group by 1'
    buzz = (
        f'select "entityId", sum(amount) from "BuzzTip" where "entityType" = \'Image\' and {before}'
        ' and "entityId" in (select id from "Image") and amount <> 0 group by 1'
    )
    expected["Tag Hidden"] = counted(expected_of(published, "Tag", "Hidden"), dict(source.postgres(hidden)))
    expected["Image Buzz"] = counted(
        expected_of(published, "Image", "Buzz"), {entity: int(amount) for entity, amount in source.postgres(buzz)}
    )
    for entity_type, column in (("Model", "modelId"), ("ModelVersion", "modelVersionId")):
        for metric_type, condition in (("ThumbsUp", "recommended"), ("ThumbsDown", "not recommended")):
            thumbs = (
                f'select "{column}", count(distinct "userId") from "ResourceReview" where not exclude and {condition}'
                f' and not "tosViolation" and {before} and "{column}" in (select id from "{entity_type}") group by 1'
            )
            totals = expected_of(published, entity_type, metric_type)
            expected[f"{entity_type} {metric_type}"] = counted(totals, dict(source.postgres(thumbs)))

    output = published.dbt(*SOURCE_PARITY, fails=True)
    assert all(any(counts) for counts in expected.values())
    assert found(output) == expected
    rows = differences(published)
    assert len(rows) == sum(map(sum, expected.values()))
    sample = [row for row in rows if row[2] * 2654435761 % 4294967296 < 2147483648]
    published.dbt(*SOURCE_PARITY, fails=True, parity_sample=0.5)
    assert 0 < len(sample) < len(rows)
    assert differences(published) == set(sample)


def test_a_shifted_cutoff_is_caught(staged: ParsedProject) -> None:
    """Published up to another moment than live tracking began at: what lies between is in no window."""
    staged.publish("tag_engagement_events", cutoff="2024-05-07 00:00:00")
    output = staged.dbt("test", "--select", "source_parity_tag", fails=True)
    assert set(found(output)) == {"Tag Hidden", "Tag Follower"}
    assert all(missing + low > 0 and extra == high == 0 for missing, extra, low, high in found(output).values())

    # moved forward, only that is published, and all is well
    staged.publish("tag_engagement_events")
    assert found(staged.dbt("test", "--select", "source_parity_tag")) == {}


def test_the_present_leaves_out_what_has_just_happened(published: ParsedProject) -> None:
    """Rows and events of a live application are read at two moments."""
    test = ("test", "--select", "source_parity_tag")
    (first,), (second,) = published.sandbox.postgres('select id from "Tag" order by id limit 2')
    insert = f"insert into {published.event_log} select 'Tag', {{}}, 7, 'Hidden', 1, now64(3) - interval {{}} second"
    published.sandbox.command(insert.format(first, 0))
    assert found(published.dbt(*test, parity="present")) == {}
    published.sandbox.command(insert.format(second, 3600))
    output = published.dbt(*test, parity="present", fails=True)
    assert sum(found(output)["Tag Hidden"]) == 1
    assert f"worst: Tag {second} has" in output
    # Without settle_lag, both are old.
    assert sum(found(published.dbt(*test, parity="present", settle_lag=0, fails=True))["Tag Hidden"]) == 2


def test_legacy_jobs_may_go_on_beside_a_live_application(published: ParsedProject, source: Sandbox) -> None:
    test = ("test", "--select", "legacy_parity_user")
    followers = "entityType = 'User' and metricType = 'Follower'"
    # One who was followed before the cutoff and not since.
    followed = f"select min(entityId) from (select entityId from {published.event_log} where {followers}"
    user = published.sandbox.value(
        f"{followed} group by entityId having max(createdAt) < toDateTime64('{CUTOFF}', 3, 'UTC'))"
    )
    source.postgres(f"""update "UserMetric" set "followerCount" = "followerCount" + 1 where "userId" = {user}""")
    differs = "User Follower and UserMetric.followerCount: 1 of"
    assert differs in published.dbt(*test, fails=True)
    assert differs in published.dbt(*test, parity="present", fails=True)
    published.sandbox.command(f"insert into {published.event_log} select 'User', {user}, 9, 'Follower', 1, now64(3)")
    assert differs not in published.dbt(*test, parity="present")


def test_views_in_postgres_count_the_same(published: ParsedProject, source: Sandbox) -> None:
    for statement in DAMAGE_TO_SOURCE.values():
        source.postgres(statement)
    published.dbt(*SOURCE_PARITY, fails=True)
    by_query = differences(published)
    missing = published.dbt(*SOURCE_PARITY, fails=True, expected_counts="view")
    assert "PostgreSQL has no view metric_parity.expected_model." in missing

    Project(source, published.database, published.target).dbt("run", "--target", "postgres", "--select", "tag:parity")
    try:
        published.dbt(*SOURCE_PARITY, fails=True, expected_counts="view")
        assert differences(published) == by_query != set()
    finally:
        drop_parity_views(source)
    columns = "table_schema = 'metric_parity'"
    assert source.postgres(f"select count(*) from information_schema.tables where {columns}") == [(0,)]


def test_legacy_counts_warn_from_the_first_entity_and_fail_above_the_threshold(
    published: ParsedProject, source: Sandbox
) -> None:
    (of_all,) = source.rows(
        f"select uniqExact(entityId) from {published.event_log}"
        f" where entityType = 'User' and metricType = 'Follower' and {BEFORE}"
    )
    assert of_all[0] > 100
    one = (
        'update "UserMetric" set "followerCount" = "followerCount" + 1 where timeframe = \'AllTime\' and "userId" = ('
        ' select min("userId") from "UserMetric" where timeframe = \'AllTime\' and "followerCount" > 0)'
    )
    source.postgres(one)
    output = published.dbt(*LEGACY_PARITY, fails=True)
    assert f"User Follower and UserMetric.followerCount: 1 of {of_all[0]} entities differs\n" in output
    assert re.search(r"FAIL 1 legacy_parity_user", output)

    # The threshold belongs to the test's configuration, which dbt reads when it parses.
    project = Project(source, published.database, published.target)
    output = project.dbt("test", "--select", "legacy_parity_user", legacy_error_percent=100)
    assert re.search(r"WARN 1 legacy_parity_user", output)


def test_the_first_rows_of_what_a_test_found_are_printed_in_words(published: ParsedProject) -> None:
    test = ("test", "--select", "no_negative_totals")
    words = r"^(?:\S+ +)?  - (\w+ \w+, entity id \d+, total -\d+, history -?\d+)$"
    # A live event took away more than there was, which reconcile corrects.
    output = published.dbt(*test)
    assert re.search(r"WARN 1 no_negative_totals", output)
    (found,) = re.findall(words, output, re.M)
    assert found.endswith(", total -1, history 1")
    assert "… and more" not in output
    history = "'Tag', 900000 + number, 1, 'Follower', -3, toDateTime64('2024-01-01 00:00:00', 3) from numbers(6)"
    published.sandbox.command(f"insert into {published.event_log} select {history}")
    output = published.dbt(*test, fails=True)
    assert re.search(r"FAIL 7 no_negative_totals", output)
    found = re.findall(words, output, re.M)
    assert len(found) == 5
    assert {line[:14] for line in found} <= {"Tag Follower, ", "Image Reaction"}
    assert "… and more" in output


NOT_COMPARED = "Not compared, since PostgreSQL does not have them: "


@contextmanager
def renamed(sandbox: Sandbox, table: str) -> Iterator[None]:
    """A table of PostgreSQL is not there meanwhile, unless the test makes another one of its name."""
    sandbox.postgres(f'alter table "{table}" rename to "kept_{table}"')
    try:
        yield
    finally:
        sandbox.postgres(f'drop table if exists "{table}"; alter table "kept_{table}" rename to "{table}"')


def test_legacy_tables_and_columns_are_optional(
    published: ParsedProject, sandbox: Sandbox, parity_of_backfill: str
) -> None:
    # What is known to differ shows that the rest is compared as before.
    known = re.compile(r"(Model|ModelVersion) (\w+ and .+: \d+ of \d+ entities differs?)")
    assert {entity_type for entity_type, _ in known.findall(parity_of_backfill)} == {"Model", "ModelVersion"}
    assert NOT_COMPARED not in parity_of_backfill
    tables = ("ImageMetric", "ModelMetric", "ModelVersionMetric")
    with renamed(sandbox, tables[0]), renamed(sandbox, tables[1]), renamed(sandbox, tables[2]):
        for table in tables[1:]:
            sandbox.postgres(
                f"""
                create table "{table}" as select * from "kept_{table}" where timeframe = 'AllTime';
                alter table "{table}" drop column timeframe;
                grant select on "{table}" to metrics_reader;
                """
            )
        sandbox.postgres('alter table "ModelVersionMetric" drop column "thumbsUpCount", drop column "imageCount"')
        output = published.dbt(*LEGACY_PARITY)
    assert len(re.findall(r"PASS legacy_parity_(image|model|model_version) ", output)) == 3
    assert re.findall(f"{NOT_COMPARED}.*", output) == [f"{NOT_COMPARED}ImageMetric, ModelVersionMetric.thumbsUpCount"]
    assert sorted(known.findall(output)) == sorted(known.findall(parity_of_backfill))


def test_a_legacy_table_that_may_not_be_read_is_an_error(published: ParsedProject, sandbox: Sandbox) -> None:
    sandbox.postgres('revoke select on "TagMetric" from metrics_reader')
    try:
        output = published.dbt(*LEGACY_PARITY, fails=True)
    finally:
        sandbox.postgres('grant select on "TagMetric" to metrics_reader')
    grant = 'grant select on "public"."TagMetric" to metrics_reader'
    assert f"PostgreSQL has TagMetric, but the role may not read it: {grant} " in " ".join(output.split())
    assert "ERROR=1 " in output
    assert NOT_COMPARED not in output


@pytest.mark.parametrize(
    ("file", "role"),
    [("postgres_grants.sql", "metrics_reader"), ("postgres_parity_grants.sql", "metrics_parity")],
)
def test_grants_leave_out_tables_that_do_not_exist(sandbox: Sandbox, file: str, role: str) -> None:
    connection = psycopg2.connect(sandbox.postgres_dsn)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f'revoke all on all tables in schema public from {role}; drop table "BuzzTip", "TagMetric"')
            cursor.execute((REPO / "scripts" / file).read_text())
            cursor.execute(
                f"""
                select tablename, has_table_privilege('{role}', format('public.%I', tablename), 'select')
                from pg_tables
                where schemaname = 'public'
                """
            )
            granted = dict(cursor.fetchall())
    finally:
        # Nothing of it ever happened.
        connection.rollback()
        connection.close()
    missing = ["BuzzTip", "TagMetric"] if role == "metrics_reader" else ["BuzzTip"]
    assert connection.notices[-1] == f"NOTICE:  Not granted, since they do not exist: {', '.join(missing)}\n"
    assert {table for table, may in granted.items() if not may} == {
        table for table in granted if role == "metrics_parity" and table.endswith("Metric")
    }
