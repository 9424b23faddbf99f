"""Fill the sandbox with a community: deterministic, generated in SQL, hard cases included.

The SQL lies in seed/postgres and seed/clickhouse, numbered in the order in which it runs. This module runs it on as
many connections as pay, and carries from one engine to the other what the other has to know.
"""

import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import psycopg2
import yaml
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from sandbox import tracker
from sandbox.clickhouse import statements
from sandbox.postgres import SOURCE
from sandbox.settings import REPOSITORY

if TYPE_CHECKING:
    from clickhouse_connect.driver import Client

POSTGRES = Path(__file__).with_name("seed") / "postgres"
CLICKHOUSE = Path(__file__).with_name("seed") / "clickhouse"
CUTOFF = yaml.safe_load((REPOSITORY / "dbt_project.yml").read_text())["vars"]["cutoff"]
CHUNK_BYTES = 16 * 1024 * 1024

# None of these changes a row. A table that a forgotten transaction holds is an error, not a long wait.
SESSION = """
set lock_timeout = '30s';
set synchronous_commit = off;
set work_mem = '128MB';
set maintenance_work_mem = '256MB';
set jit = off;
"""

# Milliseconds, since ClickHouse would read a written timestamp in its own time zone.
LIVE_EVENTS_FROM_POSTGRES = """
copy (
    select
        "entityType",
        "entityId",
        coalesce("userId", 0),
        "metricType",
        "metricValue",
        (extract(epoch from "createdAt") * 1000)::bigint
    from live_events
    where
        "entityId" is not null
        and "metricType" is not null
        and "metricValue" <> 0
) to stdout
"""
LIVE_EVENTS_INTO_CLICKHOUSE = """
insert into {application:Identifier}.entityMetricEvents
    (entityType, entityId, userId, metricType, metricValue, createdAt)
select
    entityType,
    entityId,
    userId,
    metricType,
    metricValue,
    fromUnixTimestamp64Milli(milliseconds)
from input(
    'entityType String, entityId Int32, userId Int32, metricType String, metricValue Int32, milliseconds Int64'
)
format TabSeparated"""

Echo = Callable[[str], None]
# Runs one statement in ClickHouse, with the data that it inserts, and returns its answer.
Ask = Callable[..., str]


def seed(
    scale: float,
    random_seed: int,
    postgres_dsn: str,
    clickhouse: "Client",
    echo: Echo,
    *,
    live_events: bool = True,
    application: str = "default",
    orchestration: str = "orchestration",
) -> None:
    """Make the source tables anew, empty the event log, and fill them; scale 1 is about a million source rows.

    The same scale and random seed give the same rows. Without `live_events` the event log stays empty. `application`
    and `orchestration` are the ClickHouse databases that hold the application's tables.
    """
    given = {"scale": scale, "random_seed": random_seed, "cutoff": CUTOFF}
    postgres = partial(session, postgres_dsn, given)
    # Without live events there was no cutoff yet: the legacy jobs have counted every row.
    counted_until = CUTOFF if live_events else "2100-01-01"
    legacy = partial(session, postgres_dsn, given | {"cutoff": counted_until})
    databases = {"default": application, "orchestration": orchestration}
    parameters = {
        "seed": random_seed,
        "scale": float(scale),
        "cutoff": counted_until,
        "application": application,
        "orchestration": orchestration,
    }

    def ask(statement: str, data: bytes = b"") -> str:
        given = parameters if "{" in statement else None
        if data:
            clickhouse.command(statement, given, data)
            return ""
        return clickhouse.raw_query(statement, given).decode()

    def load(*files: str, session: Callable[[], AbstractContextManager[Cursor]] = postgres) -> None:
        with session() as cursor:
            run(cursor, *files)

    def run(cursor: Cursor, *files: str) -> None:
        for file in files:
            with timed(echo, f"PostgreSQL {file}"):
                cursor.execute((POSTGRES / file).read_text())

    def load_clickhouse(*files: str) -> None:
        for file in files:
            with timed(echo, f"ClickHouse {file}"):
                for statement in statements((CLICKHOUSE / file).read_text()):
                    ask(statement)

    def load_legacy_metrics() -> None:
        with legacy() as cursor:
            copy_version_counts(ask, cursor)
            run(cursor, "40_legacy_sources.sql", "42_legacy_others.sql")

    def load_live_events() -> None:
        with postgres() as cursor:
            run(cursor, "50_live_events.sql")
            with timed(echo, "ClickHouse entityMetricEvents"):
                track(cursor, clickhouse, ask, databases)

    with postgres() as cursor:
        cursor.execute("select pg_temp.rows_of('User'), pg_temp.rows_of('ModelVersion')")
        parameters["users"], parameters["versions"] = cursor.fetchone()
        run(cursor, "05_empty.sql")
        cursor.execute(SOURCE.read_text())
    load_clickhouse("05_empty.sql")
    together(
        lambda: load("20_image_reactions.sql"),
        lambda: load("10_entities.sql"),
        lambda: load("20_actions.sql"),
        lambda: load_clickhouse("10_application_tables.sql", "20_hard_cases.sql"),
    )
    load("30_hard_cases.sql")
    # After every load is committed: pages do not become all-visible while a transaction is open.
    with postgres() as cursor:
        run(cursor, "90_sequences.sql")
        cursor.execute("select tablename from pg_tables where schemaname = 'public' order by tablename")
        tables = [name for (name,) in cursor.fetchall()]
    large = ["ImageReaction"]
    metrics = [table for table in tables if table.endswith("Metric")]
    others = [table for table in tables if table not in large + metrics]
    together(lambda: vacuum(postgres_dsn, large, echo), lambda: vacuum(postgres_dsn, others, echo))
    together(
        lambda: load("40_legacy_sources.sql", "41_legacy_images_posts_users.sql", session=legacy),
        load_legacy_metrics,
        *([load_live_events] if live_events else []),
    )
    load("43_legacy_noise.sql", "91_foreign_keys.sql")
    vacuum(postgres_dsn, metrics, echo)


@contextmanager
def session(dsn: str, parameters: dict[str, object]) -> Iterator[Cursor]:
    """A cursor that knows the seeding functions; committed at the end."""
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(SESSION)
            cursor.execute((POSTGRES / "00_functions.sql").read_text(), parameters)
            yield cursor
    finally:
        connection.close()


def copy_version_counts(ask: Ask, cursor: Cursor) -> None:
    """Bring what the legacy jobs read from ClickHouse into this session of PostgreSQL."""
    cursor.execute(
        """
        create temporary table version_counts ("modelVersionId" int, downloads int, generations int, earned int)
        """
    )
    (counts,) = statements((CLICKHOUSE / "40_legacy_counts.sql").read_text())
    cursor.copy_expert("copy version_counts from stdin", io.StringIO(ask(counts)))


def track(cursor: Cursor, client: "Client", ask: Ask, databases: dict[str, str]) -> None:
    """Write what the tracker has recorded since the cutoff: events of PostgreSQL's rows, and of ClickHouse's own."""
    known = tracker.models_and_versions(cursor)
    for section in tracker.contract():
        events = tracker.events(section, CUTOFF, databases)
        if section.engine == "PostgreSQL":
            cursor.execute(f"insert into live_events {events}")
        else:
            columns = "(entityType, entityId, userId, metricType, metricValue, createdAt)"
            log = f"{databases['default']}.entityMetricEvents"
            client.command(f"insert into {log} {columns} {events}", external_data=known)
    with TemporaryFile() as file:
        cursor.copy_expert(LIVE_EVENTS_FROM_POSTGRES, file)
        file.seek(0)
        # A chunk of whole lines at a time.
        while lines := file.readlines(CHUNK_BYTES):
            ask(LIVE_EVENTS_INTO_CLICKHOUSE, b"".join(lines))


def vacuum(dsn: str, tables: list[str], echo: Echo) -> None:
    """Statistics for the planner, and pages that index-only scans need not visit."""
    connection = psycopg2.connect(dsn)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor, timed(echo, f"PostgreSQL vacuum of {len(tables)} tables"):
            cursor.execute(SESSION)
            names = sql.SQL(", ").join(map(sql.Identifier, tables))
            cursor.execute(sql.SQL("vacuum (analyze) {}").format(names))
    finally:
        connection.close()


def together(*steps: Callable[[], None]) -> None:
    """Run steps side by side; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(len(steps)) as pool:
        for running in [pool.submit(step) for step in steps]:
            running.result()


@contextmanager
def timed(echo: Echo, step: str) -> Iterator[None]:
    """Say how long a step took."""
    started = time.monotonic()
    yield
    echo(f"{step:<50}{time.monotonic() - started:>9.2f} s")
