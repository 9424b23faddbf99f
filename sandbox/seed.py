"""Fill the sandbox with a community: deterministic, generated in SQL, hard cases included.

The SQL lies in seed/postgres and seed/clickhouse, numbered in the order in which it runs. This module runs it on as
many connections as pay, and carries from one engine to the other what the other has to know.
"""

import io
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from sandbox import tracker
from wording import how_many

if TYPE_CHECKING:
    from clickhouse_connect.driver import Client

POSTGRES = Path(__file__).with_name("seed") / "postgres"
CLICKHOUSE = Path(__file__).with_name("seed") / "clickhouse"
# As pg_temp.cutoff() has it, and dbt_project.yml.
CUTOFF = "2024-08-07 15:44:39.044"
CHUNK_BYTES = 16 * 1024 * 1024

# Nothing here decides what the rows look like. A table that a forgotten transaction holds is an error, not a long wait.
SESSION = """
set lock_timeout = '30s';
set synchronous_commit = off;
set work_mem = '128MB';
set maintenance_work_mem = '256MB';
set jit = off;
"""

# Moments travel as milliseconds: a written timestamp would be read in the server's time zone.
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
    application: str = "default",
    orchestration: str = "orchestration",
) -> None:
    """Empty the source tables and the event log, and fill them anew; scale 1 is about a million source rows.

    The same scale and random seed give the same rows. `application` and `orchestration` are the ClickHouse databases
    that hold the application's tables.
    """
    if scale <= 0:
        raise ValueError(
            f"scale is {scale}; it has to be more than 0. 1 gives about a million rows, 0.02 a quick test."
        )
    if not 0 <= random_seed < 2**31:
        raise ValueError(f"random_seed is {random_seed}; it has to be between 0 and {2**31 - 1}.")
    postgres = partial(session, postgres_dsn, scale, random_seed)
    parameters = {
        "seed": random_seed,
        "scale": float(scale),
        "application": application,
        "orchestration": orchestration,
    }

    def ask(statement: str, data: bytes = b"") -> str:
        given = parameters if "{" in statement else None
        if data:
            clickhouse.command(statement, given, data)
            return ""
        return clickhouse.raw_query(statement, given).decode()

    with postgres() as cursor:
        cursor.execute((POSTGRES / "05_empty.sql").read_text())
        cursor.execute("select pg_temp.rows_of('User'), pg_temp.rows_of('ModelVersion')")
        parameters["users"], parameters["versions"] = cursor.fetchone()
    for statement in statements(CLICKHOUSE / "05_empty.sql"):
        ask(statement)

    def load(*files: str) -> None:
        with postgres() as cursor:
            for file in files:
                load_postgres(cursor, POSTGRES / file, echo)

    def load_legacy_metrics() -> None:
        with postgres() as cursor:
            copy_version_counts(ask, cursor)
            load_postgres(cursor, POSTGRES / "40_legacy_sources.sql", echo)
            load_postgres(cursor, POSTGRES / "42_legacy_others.sql", echo)

    def load_live_events() -> None:
        with postgres() as cursor:
            for statement in statements(POSTGRES / "50_live_events.sql"):
                cursor.execute(statement)
            track_postgres(cursor)
            copy_live_events(cursor, ask, echo)
            track_clickhouse(cursor, clickhouse, {"default": application, "orchestration": orchestration}, echo)

    def load_applications_tables() -> None:
        load_clickhouse(ask, CLICKHOUSE / "10_application_tables.sql", echo)
        load_clickhouse(ask, CLICKHOUSE / "20_hard_cases.sql", echo)

    together(
        lambda: load("20_image_reactions.sql"),
        lambda: load("10_entities.sql"),
        lambda: load("20_actions.sql"),
        load_applications_tables,
    )
    load("30_hard_cases.sql")
    # Only now that every load is committed: pages do not become all-visible while a load's transaction is open.
    with postgres() as cursor:
        cursor.execute((POSTGRES / "90_sequences.sql").read_text())
        cursor.execute("select tablename from pg_tables where schemaname = 'public' order by tablename")
        tables = [name for (name,) in cursor.fetchall()]
    large = ["ImageReaction"]
    metrics = [table for table in tables if table.endswith("Metric")]
    others = [table for table in tables if table not in large + metrics]
    together(lambda: vacuum(postgres_dsn, large, echo), lambda: vacuum(postgres_dsn, others, echo))
    together(
        lambda: load("40_legacy_sources.sql", "41_legacy_images_posts_users.sql"),
        load_legacy_metrics,
        load_live_events,
    )
    load("43_legacy_noise.sql", "91_foreign_keys.sql")
    vacuum(postgres_dsn, metrics, echo)


@contextmanager
def session(dsn: str, scale: float, random_seed: int) -> Iterator[Cursor]:
    """A cursor that knows the seeding functions; committed at the end."""
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(SESSION)
            functions = (POSTGRES / "00_functions.sql").read_text()
            cursor.execute(functions, {"scale": scale, "random_seed": random_seed})
            yield cursor
    finally:
        connection.close()


def statements(path: Path) -> list[str]:
    """The statements of a file; each ends with a semicolon at the end of a line."""
    found = re.split(r";\s*\n", path.read_text())
    return [statement.strip() for statement in found if statement.strip()]


def filled_table(statement: str) -> str | None:
    """The table that a statement inserts into, as it stands there."""
    found = re.search(r"^insert into (\S+)", statement, re.MULTILINE)
    return found[1] if found else None


def plain(table: str) -> str:
    """A table's name without its database and quotes."""
    return table.rpartition(".")[2].strip('"')


def load_postgres(cursor: Cursor, path: Path, echo: Echo) -> None:
    """Run a file, and report rows and seconds: a line for each large insert, one for all the small ones together."""
    small_rows, small_seconds = 0, 0.0
    for statement in statements(path):
        started = time.monotonic()
        cursor.execute(statement)
        seconds = time.monotonic() - started
        table = filled_table(statement)
        if table and cursor.rowcount >= 1000:
            report(echo, f"PostgreSQL {plain(table)}", cursor.rowcount, seconds)
        else:
            small_rows += cursor.rowcount if table else 0
            small_seconds += seconds
    if small_rows:
        report(echo, f"PostgreSQL {path.stem}, small ones", small_rows, small_seconds)


def load_clickhouse(ask: Ask, path: Path, echo: Echo) -> None:
    """Run a file, and report a line for each insert."""
    for statement in statements(path):
        table = filled_table(statement)
        if not table:
            ask(statement)
            continue
        count = f"select count() from {table}"
        rows_before, started = int(ask(count)), time.monotonic()
        ask(statement)
        seconds = time.monotonic() - started
        report(echo, f"ClickHouse {plain(table)}", int(ask(count)) - rows_before, seconds)


def copy_version_counts(ask: Ask, cursor: Cursor) -> None:
    """Bring what the legacy jobs read from ClickHouse into this session of PostgreSQL."""
    cursor.execute(
        """
        create temporary table version_counts ("modelVersionId" int, downloads int, generations int, earned int)
        """
    )
    for statement in statements(CLICKHOUSE / "40_legacy_counts.sql"):
        cursor.copy_expert("copy version_counts from stdin", io.StringIO(ask(statement)))


def track_postgres(cursor: Cursor) -> None:
    """The events that the tracker has written of PostgreSQL's rows since the cutoff."""
    for section in tracker.contract():
        if section.engine == "PostgreSQL":
            cursor.execute(f"insert into live_events {tracker.events(section, CUTOFF)}")


def track_clickhouse(cursor: Cursor, client: "Client", databases: dict[str, str], echo: Echo) -> None:
    """The events that the tracker has written of ClickHouse's own rows since the cutoff."""
    started, rows = time.monotonic(), 0
    known = tracker.models_and_versions(cursor)
    for section in tracker.contract():
        if section.engine == "ClickHouse":
            query = f"""
                insert into {databases["default"]}.entityMetricEvents
                    (entityType, entityId, userId, metricType, metricValue, createdAt)
                {tracker.events(section, CUTOFF, databases)}
            """
            rows += client.command(query, external_data=known).written_rows
    report(echo, "ClickHouse entityMetricEvents of its own rows", rows, time.monotonic() - started)


def copy_live_events(cursor: Cursor, ask: Ask, echo: Echo) -> None:
    """Bring the tracker's events into ClickHouse, a chunk of whole lines at a time."""
    started = time.monotonic()
    with TemporaryFile() as file:
        cursor.copy_expert(LIVE_EVENTS_FROM_POSTGRES, file)
        rows = cursor.rowcount
        file.seek(0)
        while lines := file.readlines(CHUNK_BYTES):
            ask(LIVE_EVENTS_INTO_CLICKHOUSE, b"".join(lines))
    report(echo, "ClickHouse entityMetricEvents from PostgreSQL", rows, time.monotonic() - started)


def vacuum(dsn: str, tables: list[str], echo: Echo) -> None:
    """Statistics for the planner, and pages that index-only scans need not visit."""
    started = time.monotonic()
    connection = psycopg2.connect(dsn)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(SESSION)
            names = sql.SQL(", ").join(map(sql.Identifier, tables))
            cursor.execute(sql.SQL("vacuum (analyze) {}").format(names))
    finally:
        connection.close()
    report(echo, f"PostgreSQL vacuum of {len(tables)} tables", None, time.monotonic() - started)


def together(*steps: Callable[[], None]) -> None:
    """Run steps side by side; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(len(steps)) as pool:
        for running in [pool.submit(step) for step in steps]:
            running.result()


def report(echo: Echo, step: str, rows: int | None, seconds: float) -> None:
    """One line: what was done, how many rows, how long."""
    counted = "" if rows is None else how_many(rows, "row")
    echo(f"{step:<50}{counted:>18}{seconds:>9.2f} s")
