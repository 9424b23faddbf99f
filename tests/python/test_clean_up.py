"""Clean-up: legacy tables are retired, judged and removed, and the metrics made from them live on in the log."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest
import yaml
from conftest import LOG, REPO, Project, Sandbox, copy_tables, drop_databases, run_program
from event_log_checks import catalog, of_pairs, pairs_of
from parity_checks import drop_parity_views, found
from parsed_project import ParsedProject, parse

from sandbox import postgres

SCHEMA, DATABASE = "site", "cleaned"
METRICS = ("Article", "Bounty", "BountyEntry", "Collection", "Image", "Model", "ModelVersion", "Post", "Tag", "User")
LEGACY = sorted(["BuzzTip", *(f"{name}Metric" for name in METRICS)])
STAY = (
    *("ResourceReview", "ImageReaction", "Comment", "CommentV2", "CollectionItem", "CollectionContributor"),
    *("Donation", "UserEngagement"),
)
RETIRED = {"retired_sources": LEGACY}
PRESENT = {"parity": "present"}
# A third of a second, instead of a day.
QUIET = ("--args", "{quiet_hours: 0.0001}")
REMOVE = ("run-operation", "remove_legacy_tables")
BUSY = "Nobody knows whether"
TIPS = sorted(" ".join(pair) for pair in pairs_of("tip_events"))
ALONE = f"Counted by the log alone, since BuzzTip is retired: {', '.join(TIPS)}"
# Image 1's tips, as an application records them that knows no table of tips any more.
LIVE_TIP = "'Image', 1, 1002, 'Buzz', 250, now64(3)"


class Site:
    """The application's PostgreSQL, in a schema of its own, and a log that agrees with it."""

    def __init__(self, project: ParsedProject, owner: ParsedProject) -> None:
        self.project, self.owner, self.sandbox = project, owner, project.sandbox

    def postgres(self, sql: str) -> list[tuple]:
        return self.sandbox.postgres(f"set search_path = {SCHEMA}; {sql}")

    def tables(self) -> set[str]:
        return {
            name for (name,) in self.sandbox.postgres(f"select tablename from pg_tables where schemaname = '{SCHEMA}'")
        }

    def rows(self) -> dict[str, int]:
        """How many rows each legacy table has. It reads them."""
        return {
            name: self.postgres(f'select count(*) from "{name}"')[0][0] for name in sorted(self.tables() & set(LEGACY))
        }

    def judge(self, *options: str, fails: bool = False, **vars: object) -> str:
        """The first step, in ClickHouse, and the third of a second after which its look counts."""
        output = self.project.dbt(*REMOVE, *(options or QUIET), fails=fails, **{**PRESENT, **RETIRED, **vars})
        time.sleep(0.4)
        return output

    def look(self, **vars: object) -> None:
        """A first look at the statistics, long enough ago."""
        self.judge(fails=True, **vars)

    def verdict(self) -> dict[str, object]:
        """The arguments of the second step, as the first one prints them."""
        self.look()
        output = self.judge()
        assert "Parity of the present is green" in output
        command = re.search(
            r"^dbt run-operation remove_legacy_tables --target postgres_owner --args '(.*)' --vars '(.*)'$",
            output,
            re.M,
        )
        assert yaml.safe_load(command[2]) == {"postgres_schema": SCHEMA}
        return yaml.safe_load(command[1])

    def remove(self, arguments: dict[str, object], fails: bool = False) -> str:
        """The second step, in PostgreSQL."""
        return self.owner.dbt(*REMOVE, "--target", "postgres_owner", "--args", json.dumps(arguments), fails=fails)

    def log_total(self, metric: str, entity: int) -> int:
        entity_type, metric_type = metric.split()
        of_entity = f"entityType = '{entity_type}' and metricType = '{metric_type}' and entityId = {entity}"
        return int(self.sandbox.value(f"select sum(metricValue) from {self.project.event_log} where {of_entity}"))


def faults(output: str) -> list[str]:
    """What speaks against the removal."""
    return re.findall(r"^    - (.*)$", output, re.M)


def new_schema(sandbox: Sandbox) -> None:
    tables = [
        name
        for (name,) in sandbox.postgres(
            "select tablename from pg_tables where schemaname = 'public' and tablename !~ '^kept_'"
        )
    ]
    copies = "".join(
        f'create table {SCHEMA}."{table}" (like public."{table}" including all);'
        f'insert into {SCHEMA}."{table}" select * from public."{table}";'
        for table in tables
    )
    sandbox.postgres(
        f"""
        drop schema if exists {SCHEMA} cascade;
        create schema {SCHEMA};
        {copies}
        alter table {SCHEMA}."ImageMetric" add foreign key ("imageId") references {SCHEMA}."Image" on delete cascade;
        grant usage on schema {SCHEMA} to metrics_reader, metrics_parity;
        grant select on all tables in schema {SCHEMA} to metrics_reader, metrics_parity;
        """
    )


@pytest.fixture(scope="module")
def owner_once(parsed_once: ParsedProject, tmp_path_factory: pytest.TempPathFactory) -> ParsedProject:
    """dbt with the target of an owner of the tables."""
    folder = tmp_path_factory.mktemp("owner")
    project = replace(parsed_once, database=DATABASE, target=folder, vars={"postgres_schema": SCHEMA})
    return replace(project, manifest=parse(project, "--target", "postgres_owner"))


@pytest.fixture(scope="module")
def agreeing(
    backfilled: ParsedProject, parsed_once: ParsedProject, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ParsedProject]:
    """What `backfilled` has, in a database of this module, brought to the truth of the present."""
    sandbox, theirs = parsed_once.sandbox, backfilled.database
    project = replace(
        parsed_once, database=DATABASE, target=tmp_path_factory.mktemp("cleaned"), vars={"postgres_schema": SCHEMA}
    )
    new_schema(sandbox)
    drop_databases(sandbox, DATABASE)
    sandbox.command(f"create database {DATABASE}")
    copy_tables(
        sandbox,
        theirs,
        DATABASE,
        "name like 'stg\\_%' or name in ('metric_landings', 'metric_catalog', 'entityMetricEvents')",
    )
    sandbox.command(f"create table {DATABASE}.metric_publications as {theirs}.metric_publications")
    sandbox.command(
        f"insert into {DATABASE}.metric_publications select * replace ('{project.event_log}' as event_log)"
        f" from {theirs}.metric_publications"
    )
    project.dbt("run", "--select", "tag:reconcile", "expected_application_metrics", *LOG[:1], reconcile_limit=1)
    project.run("expected_application_metrics", *LOG)
    yield project
    drop_databases(sandbox, DATABASE)
    sandbox.postgres(f"drop schema if exists {SCHEMA} cascade")


@pytest.fixture
def site(agreeing: ParsedProject, owner_once: ParsedProject, tmp_path) -> Iterator[Site]:
    sandbox = agreeing.sandbox
    new_schema(sandbox)
    yield Site(replace(agreeing, target=tmp_path), replace(owner_once, target=tmp_path))
    sandbox.command(f"drop table if exists {DATABASE}.legacy_looks sync")


@pytest.fixture
def restored(site: Site) -> Iterator[Site]:
    """A site whose log and ledger are put back as they were."""
    run, kept = site.sandbox.command, {"entityMetricEvents": "kept_log", "metric_publications": "kept_ledger"}
    for table, copy in kept.items():
        run(f"create table {DATABASE}.{copy} clone as {DATABASE}.{table}")
    yield site
    for table, copy in kept.items():
        run(f"drop table {DATABASE}.{table} sync")
        run(f"rename table {DATABASE}.{copy} to {DATABASE}.{table}")


@pytest.fixture
def removed(restored: Site) -> Site:
    """The tables are gone, and a tip was recorded since."""
    restored.postgres("drop table " + ", ".join(f'"{name}"' for name in LEGACY))
    restored.sandbox.command(f"insert into {restored.project.event_log} select {LIVE_TIP}")
    return restored


def test_the_first_look_says_what_goes_and_what_stays(site: Site) -> None:
    rows, tables = site.rows(), site.tables()
    output = site.judge("--args", "{}", fails=True, retired_sources=[])
    for table in LEGACY:
        assert re.search(rf"^  {table} +[\d,]+ kB +{rows[table]:,} +[\d,]+ +[\d,]+ ", output, re.M), table
    assert re.search(rf"^  all +[\d,.]+ [kM]B +{sum(rows.values()):,} ", output, re.M)
    assert re.search(r"Removing them frees [\d,.]+ [kM]B, and saves [\d,]+ reads and [\d,]+ writes a day\.", output)
    assert re.findall(r"--file (\w+)\.dump$", output, re.M) == LEGACY
    for table in STAY:
        assert re.search(rf"^  {table}: \w+", output, re.M), table
    assert "The legacy tables cannot be removed yet. Nothing was changed in PostgreSQL." in output
    read, busy = faults(output)
    assert read.startswith(f"This project itself reads {', '.join(LEGACY)}: name them in the var retired_sources")
    assert busy.startswith(f"{BUSY} {', '.join(LEGACY)} is still used") and "24 h old" in busy
    assert "dbt run-operation remove_legacy_tables --target" not in output
    assert site.tables() == tables and site.rows() == rows


USERS = {
    "a view": ('create view seen as select * from "TagMetric"', "TagMetric is used by the view site.seen"),
    "a materialized view": (
        'create materialized view kept as select * from "BuzzTip"',
        "BuzzTip is used by the materialized view site.kept",
    ),
    "a foreign key": (
        'create table pinned (like "TagMetric");'
        ' alter table pinned add foreign key ("tagId", timeframe) references "TagMetric"',
        "TagMetric is used by the foreign key pinned_tagId_timeframe_fkey of site.pinned",
    ),
    "a function that names it": (
        "create function ranked() returns bigint language plpgsql"
        """ as 'begin return (select max("likeCount") from "PostMetric"); end'""",
        "PostMetric is used by the function site.ranked()",
    ),
    "a function that depends on it": (
        'create function best() returns bigint begin atomic select max("likeCount") from "PostMetric"; end',
        "PostMetric is used by the function site.best()",
    ),
    "a trigger": (
        "create function noted() returns trigger language plpgsql as 'begin return new; end';"
        ' create trigger note after insert on "UserMetric" execute function noted()',
        "UserMetric is used by the trigger note on it",
    ),
    "a rule": (
        'create rule forwarded as on insert to "ModelMetric" do also select 1',
        'ModelMetric is used by the rule forwarded of site."ModelMetric"',
    ),
    "a publication": (
        'create publication shipped for table "ImageMetric"',
        "ImageMetric is used by the publication shipped",
    ),
    "a child": (
        'create table child () inherits ("BountyMetric")',
        "BountyMetric is used by the table site.child, which inherits from it",
    ),
}


@pytest.fixture
def without_publication(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.postgres("drop publication if exists shipped")


@pytest.mark.usefixtures("without_publication")
def test_whatever_refers_to_the_tables_is_named(site: Site) -> None:
    for statement, _ in USERS.values():
        site.postgres(statement)
    said = faults(site.judge(fails=True))
    assert [line for line in said if " is used by " in line] == sorted(line for _, line in USERS.values())


@pytest.mark.usefixtures("without_publication")
def test_what_comes_to_refer_to_a_table_after_the_verdict_stops_the_removal(site: Site) -> None:
    arguments, tables = site.verdict(), site.tables()
    for name, (statement, line) in USERS.items():
        undone = site.tables()
        site.postgres(statement)
        output = site.remove(arguments, fails=True)
        assert "The legacy tables cannot be removed. Nothing was changed." in output, name
        assert line in faults(output), (name, output)
        site.postgres(
            """
            drop view if exists seen; drop materialized view if exists kept; drop table if exists pinned, child;
            drop function if exists ranked, best; drop rule if exists forwarded on "ModelMetric";
            drop trigger if exists note on "UserMetric"; drop function if exists noted;
            drop publication if exists shipped
            """
        )
        assert site.tables() == undone
    assert site.tables() == tables


def test_reads_and_writes_between_two_looks_are_told_from_those_of_foreign_keys(site: Site) -> None:
    site.look()
    site.postgres('select count(*) from "TagMetric"')
    site.postgres('select count(*) from "TagMetric"')
    site.postgres(
        """
        insert into "BuzzTip" ("entityType", "entityId", "toUserId", "fromUserId", amount, "createdAt", "updatedAt")
        values ('Challenge', 1, 1, 1, 5, now(), now())
        """
    )
    site.postgres('delete from "UserMetric" where "userId" = 1001')
    # An image goes, and its legacy counters with it.
    assert site.postgres('delete from "Image" where id = 1 returning id') == [(1,)]
    assert site.postgres("select n_tup_del from pg_stat_user_tables where relid = '\"ImageMetric\"'::regclass") != [
        (0,)
    ]
    said = faults(site.judge(fails=True))
    used = [re.sub(r"since \S+ \S+ UTC$", "since …", line) for line in said if " UTC" in line]
    assert "TagMetric: 2 reads since …" in used
    assert "BuzzTip: 1 row written since …" in used
    assert [line for line in used if line.startswith("UserMetric: ") and "written" in line] != []
    assert {line.split(":")[0] for line in used} == {"TagMetric", "BuzzTip", "UserMetric"}

    # What parity itself reads, and reads before the newest look, are none of anybody's.
    said = faults(site.judge(fails=True))
    assert [line for line in said if " UTC" in line] == []


def test_red_parity_is_no_verdict_and_tips_may_be_more_but_not_less(restored: Site) -> None:
    site = restored
    site.look()
    log, sandbox = site.project.event_log, site.sandbox
    sandbox.command(f"insert into {log} select {LIVE_TIP}")
    assert "Parity of the present is green" in site.judge()
    sandbox.command(f"insert into {log} select 'Image', 1, 0, 'Buzz', -250, toDateTime64('2025-01-01 00:00:00', 3)")
    hidden = "entityType = 'Tag' and metricType = 'Hidden' and entityId % 3 = 0"
    sandbox.command(f"insert into {log} select * replace (-metricValue as metricValue) from {log} where {hidden}"
                    " settings max_partitions_per_insert_block = 0")  # fmt: skip
    tipped = int(
        sandbox.value(
            f"select min(entityId) from {log} where entityType = 'Image' and metricType = 'Buzz' and entityId > 1"
        )
    )
    sandbox.command(
        f"insert into {log} select 'Image', {tipped}, 0, 'Buzz', -1, toDateTime64('2025-01-01 00:00:00', 3)"
    )
    output = site.judge(fails=True)
    red = [line for line in faults(output) if line.startswith("Parity is red")]
    assert len(red) == 2, output
    assert f"Image Buzz differs for 1 entity; worst: Image {tipped} has " in red[0]
    assert "Tag Hidden differs for " in red[1]
    assert "--target postgres_owner" not in output


@pytest.mark.parametrize(
    ("vars", "complaint"),
    [
        ({"parity": "history"}, "The var parity is 'history'; it must be present"),
        ({"parity_sample": 0.5}, "The var parity_sample is '0.5'; it must be 1: every entity counts"),
        ({"expected_counts": "view"}, "The var expected_counts is 'view'; it must be query"),
    ],
)
def test_a_removal_is_judged_by_every_entity_of_the_present(
    site: Site, vars: dict[str, object], complaint: str
) -> None:
    assert complaint in " ".join(site.judge(fails=True, **vars).split())


def sealed(verdict: str, remove: list[str]) -> str:
    body = "-".join(verdict.split("-")[:7])
    return f"{body}-{hashlib.md5('|'.join([body, SCHEMA, *remove]).encode()).hexdigest()[:8]}"


def test_only_what_was_judged_a_moment_ago_is_removed_whole_and_once(site: Site, sandbox: Sandbox) -> None:
    arguments, tables, rows = site.verdict(), site.tables(), site.rows()
    assert arguments["remove"] == LEGACY
    # To count the rows was to read them.
    assert "The tables: 11 reads since the verdict" in faults(site.remove(arguments, fails=True))
    arguments = site.verdict()
    verdict = arguments["verdict"]
    at, system, database, *rest = verdict.split("-")

    def refused(complaint: str, **given: object) -> None:
        output = " ".join(site.remove(arguments | given, fails=True).split())
        assert complaint in output
        assert "Nothing was removed." in output
        assert site.tables() == tables

    assert "Nothing was removed. ClickHouse judges first" in site.owner.dbt(*REMOVE, "--target", "postgres_owner")
    refused("was not given for the tables that exist", verdict=verdict.replace(at, "20991231T000000"))
    refused("The verdict 'None' was not given", verdict=None)
    old = f"20240101T000000{verdict.removeprefix(at)}"
    refused("minutes old; it holds for 15", verdict=sealed(old, LEGACY))
    refused("minutes old; it holds for 15", verdict=sealed(verdict.replace(at, "20991231T000000"), LEGACY))
    other = f"{at}-{int(system) + 1}-{database}-{'-'.join(rest)}"
    refused("which ClickHouse reads, and the target postgres_owner is", verdict=sealed(other, LEGACY))
    refused("it must name the tables that the verdict is about", remove=LEGACY[:-1])
    refused("it must name the tables that the verdict is about", remove=[*LEGACY, "Image"])
    refused("it must name the tables that the verdict is about", remove=None)
    refused("it must name the tables that the verdict is about", remove="yes")
    said = " ".join(site.project.dbt(*REMOVE, "--args", json.dumps(arguments), fails=True).split())
    assert "Tables are removed in PostgreSQL itself: --target postgres_owner." in said

    # Another session is at work with one of them.
    with psycopg2.connect(sandbox.postgres_dsn) as connection, connection.cursor() as cursor:
        cursor.execute(f'lock table {SCHEMA}."UserMetric" in access share mode')
        assert "another session works with the tables" in site.remove(arguments, fails=True)
        assert site.tables() == tables
        connection.rollback()
    connection.close()

    # A role that does not own them.
    output = site.owner.dbt(*REMOVE, "--target", "postgres", "--args", json.dumps(arguments), fails=True)
    assert "BuzzTip belongs to postgres, and metrics_parity is not that role: use --target postgres_owner" in faults(
        output
    )
    assert site.tables() == tables

    output = site.remove(arguments)
    assert re.search(
        rf"11 tables removed from {SCHEMA} in the database community, [\d,.]+ [kM]B freed: {', '.join(LEGACY)}", output
    )
    assert tables - site.tables() == set(LEGACY)
    assert set(STAY) <= site.tables()
    nothing = f"Nothing to remove: {SCHEMA} in the database community has none of {', '.join(LEGACY)}."
    assert nothing in site.remove(arguments)
    assert nothing in site.judge()
    assert sum(rows.values()) > 0


def test_tables_that_are_gone_already_are_no_obstacle(site: Site) -> None:
    site.postgres('drop table "UserMetric", "TagMetric", "BuzzTip"')
    arguments, tables = site.verdict(), site.tables()
    left = [name for name in LEGACY if name not in ("UserMetric", "TagMetric", "BuzzTip")]
    assert arguments["remove"] == left
    assert f"8 tables removed from {SCHEMA}" in site.remove(arguments)
    assert tables - site.tables() == set(left)


def test_the_backup_commands_bring_every_table_back(site: Site, tmp_path) -> None:
    rows = site.rows()
    output = site.judge(fails=True)
    commands = re.findall(r"^  (pg_dump .*)$", output, re.M)
    assert len(commands) == len(LEGACY)
    env = site.sandbox.env
    assert not any(secret in output for secret in (env["POSTGRES_PASSWORD"], env["OWNER_POSTGRES_PASSWORD"]))
    binaries = Path(postgres.command_of("pg_dump")[-1]).parent
    reached = {f"PG{name}": env[f"POSTGRES_{name}"] for name in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE")}
    environment = {**os.environ, **reached, "PATH": f"{binaries}:{os.environ['PATH']}"}
    for command in commands:
        subprocess.run(command, shell=True, cwd=tmp_path, env=environment, check=True)
    tables = ", ".join(f'"{name}"' for name in LEGACY)
    site.postgres(f"drop table {tables}")
    environment |= {"PGUSER": env["OWNER_POSTGRES_USER"], "PGPASSWORD": env["OWNER_POSTGRES_PASSWORD"]}
    for table in LEGACY:
        restore = f"pg_restore --dbname {env['POSTGRES_DATABASE']} {table}.dump"
        subprocess.run(restore, shell=True, cwd=tmp_path, env=environment, check=True)
    assert site.rows() == rows


# Retired sources ------------------------------------------------------------------------------------------------------


def script(site: Site, name: str, *options: str) -> tuple[int, str]:
    project = site.project
    variables = json.dumps({"event_log": project.event_log, **project.vars, **PRESENT, **RETIRED})
    program = REPO / "scripts" / f"{name}.py"
    return run_program(program, *options, "--vars", variables, env=project.environment())


def test_everything_goes_on_without_the_tables_and_no_tip_is_corrected_away(removed: Site, tmp_path) -> None:
    project, sandbox = removed.project, removed.sandbox
    tipped = removed.log_total("Image Buzz", 1)

    # Something else has drifted: it is corrected, and the tip is not.
    hidden = "entityType = 'Tag' and metricType = 'Hidden'"
    tag = int(sandbox.value(f"select min(entityId) from {project.event_log} where {hidden}"))
    expected = removed.log_total("Tag Hidden", tag)
    sandbox.command(
        f"insert into {project.event_log} select 'Tag', {tag}, 7, 'Hidden', 1, toDateTime64('2025-01-01 00:00:00', 3)"
    )
    build = ("build", "--exclude-resource-type", "unit_test", "--select")
    output = project.dbt(*build, "tag:reconcile", reconcile_limit=0.1, **RETIRED)
    assert f"{ALONE}; they are not corrected" in output
    assert "stg_buzz_tip: BuzzTip is retired; what was landed of it stays" in output
    assert removed.log_total("Tag Hidden", tag) == expected
    assert removed.log_total("Image Buzz", 1) == tipped
    # Donations are not corrected either: a total of tips cannot be taken apart.
    lost = removed.postgres('delete from "Donation" where id = (select min(id) from "Donation") returning id')
    before = project.fingerprint()
    reconciled = project.dbt("run", "--select", "tag:reconcile", **RETIRED)
    assert lost and "published_corrections: nothing to correct in" in reconciled
    assert project.fingerprint() == before

    output = project.dbt(*build, "tag:backfill", **RETIRED)
    assert "pending_events: nothing is due" in output
    assert project.fingerprint() == before
    assert (
        sandbox.value(f"select count() from system.tables where database = '{DATABASE}_postgres' and name = 'BuzzTip'")
        == 0
    )

    output = project.dbt(*build, "tag:marts", **RETIRED)
    assert re.search(r"PASS user_metrics_are_what_postgres_counts", output)

    output = project.dbt("test", "--selector", "parity", **PRESENT, **RETIRED)
    assert found(output) == {}
    assert output.count(ALONE) == 1
    assert f"Not compared, since they are retired: {', '.join(name for name in LEGACY if name != 'BuzzTip')}" in output

    page = tmp_path / "report.html"
    code, output = script(removed, "parity_report", "--output", str(page))
    assert code == 0, output
    compared = len(catalog()) - len(TIPS)
    assert f"None of {compared} metrics differ: {page}\n{ALONE}\n" in output
    assert f"All {compared} metrics agree" in page.read_text() and ALONE in page.read_text()

    code, output = script(removed, "explain_metric", "Image", "Buzz", "--id", "1")
    assert code == 0, output
    assert "BuzzTip is retired: its rows are those landed last, and the total in the log is the truth." in output

    project.dbt("run-operation", "create_postgres_tables", **RETIRED)
    project.dbt("docs", "generate", **RETIRED)
    assert "error" not in project.dbt("source", "freshness", **RETIRED).lower().replace("error=0", "")


def test_a_table_that_merely_vanished_is_an_error_that_names_the_way_out(removed: Site) -> None:
    before = removed.project.fingerprint()
    for select in ("tag:backfill", "tag:reconcile"):
        said = " ".join(removed.project.dbt("run", "--select", select, fails=True).split())
        assert (
            "BuzzTip: the table is missing, or the role may not read it; if it was removed for good, add it to the var"
            " retired_sources" in said
        )
        assert "Nothing was copied." in said
    assert removed.project.fingerprint() == before


def test_a_later_cutoff_publishes_no_tip_again(removed: Site) -> None:
    project = removed.project
    tips = of_pairs(pairs_of("tip_events"))
    before = project.fingerprint(tips)
    later = {"cutoffs": {"Image": "2024-08-08 00:00:00"}, **RETIRED}
    output = project.dbt("run", "--select", "tag:image,tag:backfill", on_conflict="skip", **later)
    assert "pending_events: " in output and "nothing is due" not in output
    assert project.fingerprint(tips) == before
    # Nor does a history that is published anew take tips along.
    project.dbt("run", "--select", "tag:image,tag:backfill", "--full-refresh", on_conflict="replace", **later)
    assert project.fingerprint(tips) == before


def test_a_database_that_never_had_the_rows_says_so_instead_of_publishing_without_them(removed: Site, tmp_path) -> None:
    sandbox = removed.sandbox
    fresh = replace(removed.project, database="fresh", target=tmp_path)
    sandbox.command("create database fresh")
    sandbox.command(f"create table {fresh.event_log} as {removed.project.event_log}")
    try:
        said = " ".join(fresh.dbt("run", "--select", "tag:backfill", fails=True, **RETIRED).split())
        assert (
            "BuzzTip is retired, but `fresh`.`stg_buzz_tip` does not hold the rows that it had: the history of "
            + ", ".join(TIPS)
            in said
        )
        assert "Nothing was changed." in said
        assert sandbox.value("select count() from system.tables where database = 'fresh'") == 1

        # The way out: the rows of the database that has them.
        sandbox.command(f"create table fresh.stg_buzz_tip clone as {DATABASE}.stg_buzz_tip")
        sandbox.command(f"create table fresh.metric_landings as {DATABASE}.metric_landings")
        of_tips = f"select * from {DATABASE}.metric_landings where staging_table = 'stg_buzz_tip'"
        sandbox.command(f"insert into fresh.metric_landings {of_tips}")
        fresh.dbt("run", "--select", "tag:backfill", **RETIRED)
        assert sandbox.value(f"select count() from {fresh.event_log} where metricType = 'Buzz'") > 0
    finally:
        drop_databases(sandbox, "fresh")


def test_views_in_postgres_do_without_a_retired_table(site: Site) -> None:
    project = Project(site.sandbox, DATABASE, site.project.target, {"postgres_schema": SCHEMA, **RETIRED})
    views = ("run", "--target", "postgres", "--select", "tag:parity")
    try:
        project.dbt(*views, retired_sources=[])
        said = faults(site.judge(fails=True))
        by_views = [line for line in said if "is used by the view metric_parity.expected_image" in line]
        assert by_views == [
            "BuzzTip is used by the view metric_parity.expected_image"
            " (made anew without it by dbt run --target postgres --select tag:parity)"
        ]
        project.dbt(*views)
        site.postgres('drop table "BuzzTip" restrict')
        output = site.project.dbt(
            "test", "--select", "test_name:source_parity", expected_counts="view", **PRESENT, **RETIRED
        )
        assert found(output) == {}
    finally:
        drop_parity_views(site.sandbox)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("BuzzTip", "The var retired_sources is 'BuzzTip'; it must be a list of legacy tables, as in [BuzzTip]."),
        (5, "The var retired_sources is '5'; it must be a list of legacy tables"),
        ({"BuzzTip": True}, "it must be a list of legacy tables"),
        (["Donation"], "The var retired_sources names 'Donation', which is no legacy table; there are ArticleMetric,"),
        (["buzztip"], "The var retired_sources names 'buzztip', which is no legacy table"),
    ],
    ids=str,
)
def test_what_cannot_be_retired_is_named(parsed: ParsedProject, value: object, complaint: str) -> None:
    for command in (("run", "--select", "tag:tag"), ("test", "--select", "source_parity_tag"), REMOVE):
        output = parsed.dbt(*command, fails=True, retired_sources=value)
        assert complaint in " ".join(output.split())
        assert output.count("Compilation Error") == 1


def test_quiet_hours_that_are_none_are_named(site: Site) -> None:
    assert "quiet_hours is 'long'; it must be a number of hours" in site.judge(
        "--args", "{quiet_hours: long}", fails=True
    )
