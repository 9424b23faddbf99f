"""Real servers for the tests: one sandbox for the session, and a dbt project of its own for each test."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import clickhouse_connect
import psycopg2
import pytest
from clickhouse_connect.driver import Client
from event_log_checks import MANY_PARTITIONS, copy_landed, copy_ledger

from sandbox.processes import ports_of_its_own

if TYPE_CHECKING:
    from parsed_project import ParsedProject

REPO = Path(__file__).resolve().parents[2]
DBT = Path(sys.executable).with_name("dbt")
SCALE, RANDOM_SEED = 0.02, 7
# The database that dbt parses the project for, once in a session.
PARSED = "parsed"
# The models through which the events of events models get into the log.
LOG = ("logged_events", "pending_events", "audited_events", "published_events")


@dataclass
class Sandbox:
    """Servers that are up, and how to reach them."""

    dir: Path
    env: dict[str, str]

    @property
    def postgres_dsn(self) -> str:
        """The superuser's: tests change the source."""
        return (
            f"host={self.env['POSTGRES_HOST']} port={self.env['POSTGRES_PORT']} "
            f"dbname={self.env['POSTGRES_DATABASE']} user=postgres password=postgres-sandbox"
        )

    @property
    def clickhouse_url(self) -> str:
        e = self.env
        return (
            f"http://{e['CLICKHOUSE_USER']}:{e['CLICKHOUSE_PASSWORD']}@{e['CLICKHOUSE_HOST']}:{e['CLICKHOUSE_PORT']}/"
        )

    @cached_property
    def client(self) -> Client:
        return clickhouse_connect.get_client(dsn=self.clickhouse_url, autogenerate_session_id=False, query_limit=0)

    def rows(self, sql: str, **settings: object) -> list[tuple]:
        """The result of a ClickHouse query."""
        return [tuple(row) for row in self.client.query(sql, settings=settings).result_rows]

    def value(self, sql: str) -> object:
        return self.rows(sql)[0][0]

    def command(self, sql: str) -> None:
        self.client.command(sql)

    def postgres(self, sql: str) -> list[tuple]:
        """Runs SQL in PostgreSQL as its superuser, in a transaction of its own."""
        connection = psycopg2.connect(self.postgres_dsn)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def waiting_for(self, table: str) -> list[str]:
        """The statements that wait in PostgreSQL for a lock on a table."""
        waiting = f"select pid from pg_locks where relation = '{table}'::regclass and not granted"
        return [query for (query,) in self.postgres(f"select query from pg_stat_activity where pid in ({waiting})")]


@dataclass
class Project:
    """A ClickHouse database of a test's own, with an event log that holds the seed's live events."""

    sandbox: Sandbox
    database: str
    target: Path
    vars: dict[str, object] = field(default_factory=dict)
    # What dbt reads: a test may change files of its own.
    files: Path = REPO

    @property
    def event_log(self) -> str:
        return f"{self.database}.entityMetricEvents"

    def command_line(self, *args: str, **vars: object) -> list[str]:
        values = {"event_log": self.event_log, "lock_patience": 2, **self.vars, **vars}
        return [
            str(DBT), "--no-use-colors", *args, "--vars", json.dumps(values),
            "--project-dir", str(self.files), "--target-path", str(self.target), "--log-path", str(self.target),
        ]  # fmt: skip

    def environment(self) -> dict[str, str]:
        # What dbt writes of the project takes a third of a short run; tests that read it ask for it by --write-json.
        database = {"SANDBOX_CLICKHOUSE_DATABASE": self.database}
        return {**os.environ, **self.sandbox.env, **database, "DBT_WRITE_JSON": "false"}

    def dbt(self, *args: str, fails: bool = False, **vars: object) -> str:
        """Runs dbt to its end. Returns what it printed; a wrong exit code fails the test."""
        code, output = run_program(*self.command_line(*args, **vars), env=self.environment())
        assert (code != 0) == fails, output
        return output

    def backfill(self, *args: str, **options: object) -> str:
        return self.dbt("run", "--select", "tag:backfill", *args, **options)

    def fingerprint(self, where: str = "true") -> tuple:
        """Count, sum and order-free hash of the events, the same for every type the log may have."""
        return self.sandbox.rows(
            f"""
            select count(), sum(metricValue), sum(cityHash64(
                toString(entityType), toInt64(entityId), toInt64(userId), toString(metricType),
                toInt64(metricValue), toUnixTimestamp64Milli(toDateTime64(createdAt, 3, 'UTC'))
            ))
            from {self.event_log}
            where {where}
            """
        )[0]


def run_program(*command: str | Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Runs a program of Python. Returns its exit code and output."""
    line = [sys.executable, *command]
    done = subprocess.run(line, cwd=REPO, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def sandbox_command(env: dict[str, str], *arguments: str) -> str:
    """Runs scripts/sandbox.py. What it says of a failure is one line, as the summary of a test run shows only that."""
    command = [sys.executable, str(REPO / "scripts" / "sandbox.py"), *arguments]
    done = subprocess.run(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"sandbox.py {arguments[0]}: {' '.join(done.stdout.split())}"
    return done.stdout


def start_sandbox(directory: Path, *options: str) -> Sandbox:
    """Starts servers on free ports below a folder, and fills them."""
    ports = ports_of_its_own()
    env = {**os.environ, **ports, "SANDBOX_DIR": str(directory)}
    sandbox_command(env, "up", *options)
    try:
        sandbox_command(env, "seed", "--scale", str(SCALE), "--random-seed", str(RANDOM_SEED), "--no-catalog")
        return Sandbox(directory, ports | exported(sandbox_command(env, "env")))
    except BaseException:
        sandbox_command(env, "down")
        raise


def exported(lines: str) -> dict[str, str]:
    """The variables that lines of a shell export."""
    return dict(line.split("=", 1) for word, line in map(shlex.split, lines.splitlines()) if word == "export")


# What names servers, in the environment of whoever runs the tests.
SERVERS = ("CLICKHOUSE_", "POSTGRES_", "PARITY_", "OWNER_", "REDIS_URL", "SANDBOX_", "DBT_")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without a variable of any server but those given."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SERVERS)} | more


def stop_sandbox(sandbox: Sandbox) -> None:
    sandbox_command({**os.environ, **sandbox.env}, "down")
    shutil.rmtree(sandbox.dir)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    directory = REPO / ".sandbox" / f"pytest-{os.getpid()}"
    running = start_sandbox(directory)
    yield running
    stop_sandbox(running)


def new_project(sandbox: Sandbox, name: str, target: Path, log_ddl: str | None = None) -> Project:
    """An event log with the seed's live events, in a new database. log_ddl: columns, engine and keys."""
    project = Project(sandbox, name, target)
    sandbox.command(f"create database {name}")
    sandbox.command(f"create table {project.event_log} {log_ddl or 'as default.entityMetricEvents'}")
    sandbox.command(f"insert into {project.event_log} select * from default.entityMetricEvents {MANY_PARTITIONS}")
    return project


def drop_databases(sandbox: Sandbox, name: str) -> None:
    """Drops a project's database and what dbt makes beside it."""
    for database in (name, f"{name}_postgres", f"{name}_failures"):
        sandbox.command(f"drop database if exists {database} sync")


def copy_tables(sandbox: Sandbox, source: str, target: str, where: str = "true") -> None:
    """Copies tables of a database to another; those of PostgreSQL's engine read what the original reads."""
    tables = f"select name, engine from system.tables where database = '{source}' and ({where})"
    for table, engine in sandbox.rows(tables):
        copied = "as" if engine == "PostgreSQL" else "clone as"
        sandbox.command(f"create table {target}.{table} {copied} {source}.{table}")


@pytest.fixture
def project(sandbox: Sandbox, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    name = "t_" + "".join(c if c.isalnum() else "_" for c in request.node.name.lower())[:60]
    yield new_project(sandbox, name, tmp_path)
    drop_databases(sandbox, name)


@pytest.fixture(scope="session")
def parsed_once(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> ParsedProject:
    """What other projects share: they replace its database, target and vars by their own."""
    from parsed_project import ParsedProject, parse  # imports this module

    project = ParsedProject(sandbox, PARSED, tmp_path_factory.mktemp("parsed"))
    return replace(project, manifest=parse(project))


@contextmanager
def on_its_own(parsed_once: ParsedProject, directory: Path, *options: str) -> Iterator[ParsedProject]:
    """A project like `parsed`, on servers of its own."""
    sandbox = start_sandbox(directory / "servers", *options)
    try:
        new_project(sandbox, PARSED, directory)
        yield replace(parsed_once, sandbox=sandbox, target=directory)
    finally:
        stop_sandbox(sandbox)


@pytest.fixture(scope="session")
def backfilled(parsed_once: ParsedProject, tmp_path_factory: pytest.TempPathFactory) -> ParsedProject:
    """The undisturbed backfill that others are compared with. Tests must not change it."""
    project = replace(parsed_once, database="backfilled", target=tmp_path_factory.mktemp("backfilled"))
    new_project(project.sandbox, project.database, project.target)
    only = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    project.dbt("build", "--select", "tag:backfill", "resource_type:seed", *only, "--write-json")
    return project


@pytest.fixture
def parsed(parsed_once: ParsedProject, tmp_path: Path) -> Iterator[ParsedProject]:
    """Like `project`, for tests of many runs: they are quick, and there is one database for all of these tests."""
    sandbox = parsed_once.sandbox
    drop_databases(sandbox, PARSED)
    new_project(sandbox, PARSED, tmp_path)
    yield replace(parsed_once, target=tmp_path, vars={})
    drop_databases(sandbox, PARSED)


@pytest.fixture
def changed(parsed: ParsedProject, parsed_once: ParsedProject, tmp_path: Path) -> ParsedProject:
    """`parsed` with files of its own, which a test may change."""
    files = tmp_path / "project"
    for name in ("analyses", "macros", "models", "seeds", "tests"):
        shutil.copytree(REPO / name, files / name, ignore=shutil.ignore_patterns("python", "golden"))
    for name in ("dbt_project.yml", "selectors.yml"):
        shutil.copy(REPO / name, files / name)
    shutil.copy(parsed_once.target / "partial_parse.msgpack", parsed.target)
    return replace(parsed, files=files)


@pytest.fixture
def staged(parsed: ParsedProject, backfilled: Project) -> ParsedProject:
    """`parsed` with the landed tables of `backfilled`. The parts of its log stay as they were written."""
    copy_landed(backfilled, parsed)
    parsed.sandbox.command(f"alter table {parsed.event_log} modify setting max_bytes_to_merge_at_max_space_in_pool = 1")
    return parsed


@pytest.fixture
def published(staged: ParsedProject, backfilled: Project) -> ParsedProject:
    """A log of the test's own that holds what `backfilled` holds, the ledger that says so, and what parity reads."""
    run = staged.sandbox.command
    run(f"drop table {staged.event_log} sync")
    run(f"create table {staged.event_log} clone as {backfilled.event_log}")
    run(f"create table {staged.database}.metric_catalog clone as {backfilled.database}.metric_catalog")
    copy_ledger(backfilled, staged)
    run(f"create database {staged.database}_postgres")
    copy_tables(staged.sandbox, f"{backfilled.database}_postgres", f"{staged.database}_postgres")
    staged.run("expected_application_metrics", *LOG)
    return staged


# How the source may tell the version of a goal: the other way is gone, and what only that one told has moved here.
GOALS_BY = {
    "pair": """
        update "DonationGoal" set "entityType" = 'ModelVersion', "entityId" = "modelVersionId"
        where "entityType" is null and "modelVersionId" is not null;
        alter table "DonationGoal" drop column "modelVersionId";
    """,
    "old column": """
        update "DonationGoal" set "modelVersionId" = case when "entityType" = 'ModelVersion' then "entityId" end
        where "entityType" is not null;
        alter table "DonationGoal" drop column "entityType", drop column "entityId";
    """,
}


@contextmanager
def goals_by(sandbox: Sandbox, way: str, schema: str = "public") -> Iterator[None]:
    """The source tells the version of a goal in one way only. Returns with the table as it was."""
    sandbox.postgres(
        f"""
        set search_path = {schema};
        alter table "DonationGoal" rename to "kept_DonationGoal";
        create table "DonationGoal" (like "kept_DonationGoal" including all);
        insert into "DonationGoal" select * from "kept_DonationGoal";
        grant select on "DonationGoal" to metrics_reader;
        {GOALS_BY[way]}
        """
    )
    try:
        yield
    finally:
        sandbox.postgres(
            f"""
            set search_path = {schema};
            drop table "DonationGoal";
            alter table "kept_DonationGoal" rename to "DonationGoal";
            """
        )


@pytest.fixture
def source(sandbox: Sandbox) -> Iterator[Sandbox]:
    """PostgreSQL for tests that change rows: what they change is put back."""
    tables = ("ResourceReview", "BuzzTip", "TagEngagement", "UserMetric")
    for table in tables:
        sandbox.postgres(f'create table "kept_{table}" as table "{table}"')
    yield sandbox
    for table in tables:
        sandbox.postgres(f'delete from "{table}"')
        sandbox.postgres(f'insert into "{table}" select * from "kept_{table}"')
        sandbox.postgres(f'drop table "kept_{table}"')
