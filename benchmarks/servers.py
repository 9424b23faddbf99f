"""Servers of a benchmark's own, below .sandbox/bench."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import clickhouse_connect
from clickhouse_connect.driver import Client

from sandbox import settings
from sandbox.processes import ports_of_its_own

REPOSITORY = settings.REPOSITORY
SANDBOX = REPOSITORY / ".sandbox" / "bench"
TARGET = SANDBOX / "target"
DBT = Path(sys.executable).with_name("dbt")


def run(*command: str | Path, env: dict[str, str]) -> str:
    """Run a command in the repository. Returns what it prints; its failure ends the benchmark."""
    words = [str(word) for word in command]
    pipe = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    # Ctrl-C reaches the command as well; it is not killed, so that it can give back what it has begun.
    with subprocess.Popen(words, cwd=REPOSITORY, env=env, **pipe) as process:
        output, _ = process.communicate()
    if process.returncode:
        raise click.ClickException(f"{shlex.join(words)} failed:\n{output}")
    return output


def dbt(*arguments: str | Path, env: dict[str, str]) -> None:
    """Run dbt; it leaves what it writes in TARGET."""
    run(DBT, "--quiet", *arguments, "--target-path", TARGET, "--log-path", TARGET, env=env)


@contextmanager
def servers(*seed: str) -> Iterator[dict[str, str]]:
    """Servers, filled where options of the seed are given; they go with all they hold. Gives what finds them."""
    shutil.rmtree(SANDBOX, ignore_errors=True)
    env = os.environ | ports_of_its_own() | {"SANDBOX_DIR": str(SANDBOX)}
    cli = [sys.executable, REPOSITORY / "scripts" / "sandbox.py"]
    try:
        run(*cli, "up", env=env)
        if seed:
            run(*cli, "seed", *seed, env=env)
        exports = run(*cli, "env", env=env)
        yield env | dict(word.split("=", 1) for word in shlex.split(exports) if "=" in word)
    finally:
        run(*cli, "down", env=env)
        shutil.rmtree(SANDBOX, ignore_errors=True)


def clickhouse(env: dict[str, str], database: str = "default") -> Client:
    """A client of the ClickHouse server of an environment that servers() gave."""
    return clickhouse_connect.get_client(
        host=env["CLICKHOUSE_HOST"],
        port=int(env["CLICKHOUSE_PORT"]),
        username=env["CLICKHOUSE_USER"],
        password=env["CLICKHOUSE_PASSWORD"],
        database=database,
        send_receive_timeout=3600,
        autogenerate_session_id=False,
    )


def quiet(client: Client) -> None:
    """Wait until nothing has been merged for a while: on few cores merges may be half of what something takes."""
    silent = 0
    while silent < 8:
        time.sleep(1)
        silent = 0 if client.command("select count() from system.merges") else silent + 1


def last_deletion() -> float:
    """When something was last made or deleted directly below .sandbox: to be asked before servers()."""
    if SANDBOX.exists():
        return time.time()  # servers() deletes it
    return SANDBOX.parent.stat().st_mtime if SANDBOX.parent.exists() else 0


def files_settled(deleted_at: float) -> None:
    """Wait until the file system makes files at its usual speed: until six minutes after last_deletion().

    After thousands of files have been deleted, by tests or by another benchmark, an ext4 without a journal steps over
    their inodes for up to six minutes whenever it makes a file near them, and a backfill makes thousands. Trying how
    long a file takes does not show it, for that depends on the place on the disk.
    """
    os.sync()
    seconds = deleted_at + 360 - time.time()
    if seconds > 0 and is_without_journal(SANDBOX):
        click.echo(f"waiting {seconds:.0f} s until the file system has forgotten the files last deleted", err=True)
        time.sleep(seconds)


def is_without_journal(folder: Path) -> bool:
    """Whether a folder lies on an ext4 without a journal."""
    device = folder.stat().st_dev
    disk = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
    return Path("/proc/fs/ext4", disk).exists() and not any(Path("/proc/fs/jbd2").glob(f"{disk}-*"))
