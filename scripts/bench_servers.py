"""Servers of a benchmark's own, below .sandbox/bench."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from sandbox_lib import settings
from sandbox_lib.clickhouse_http import ClickHouse, execute
from sandbox_lib.processes import ports_of_its_own

REPOSITORY = settings.REPOSITORY
SANDBOX = REPOSITORY / ".sandbox" / "bench"
TARGET = SANDBOX / "target"
DBT = Path(sys.executable).with_name("dbt")


def run(*command: str | Path, env: dict[str, str]) -> None:
    """Run a command in the repository; its failure ends the benchmark."""
    subprocess.run([str(word) for word in command], cwd=REPOSITORY, env=env, check=True)


def dbt(*arguments: str | Path, env: dict[str, str]) -> None:
    """Run dbt; it leaves what it writes in TARGET."""
    run(DBT, "--quiet", *arguments, "--target-path", TARGET, "--log-path", TARGET, env=env)


def start(*seed: str) -> dict[str, str]:
    """Start servers, and fill them where options of the seed are given. Returns the environment that finds them."""
    shutil.rmtree(SANDBOX, ignore_errors=True)
    env = os.environ | ports_of_its_own() | {"SANDBOX_DIR": str(SANDBOX)}
    cli = [sys.executable, REPOSITORY / "scripts" / "sandbox.py"]
    run(*cli, "up", env=env)
    if seed:
        run(*cli, "seed", *seed, env=env)
    printed = subprocess.run([*cli, "env"], env=env, check=True, text=True, capture_output=True).stdout
    return env | dict(word.split("=", 1) for word in shlex.split(printed) if "=" in word)


def clickhouse(env: dict[str, str]) -> ClickHouse:
    """The ClickHouse server of an environment that start() returned."""
    user, password = env["CLICKHOUSE_USER"], env["CLICKHOUSE_PASSWORD"]
    return ClickHouse(env["CLICKHOUSE_HOST"], int(env["CLICKHOUSE_PORT"]), user, password)


def quiet(server: ClickHouse) -> None:
    """Wait until nothing has been merged for a while: on few cores merges may be half of what something takes."""
    silent = 0
    while silent < 8:
        time.sleep(1)
        merging = execute(server, "select count() from system.merges").strip() != "0"
        silent = 0 if merging else silent + 1


def files_settled() -> None:
    """Wait until the file system makes files at its usual speed; six minutes at most.

    After thousands of files have been deleted, by tests or by another benchmark, an ext4 without a journal steps over
    their inodes for minutes whenever it makes a file near them, and a backfill makes thousands. Memory shows what is
    usual. New folders lie in different places of the disk, so several are tried: a single one is often spared.
    """
    os.sync()
    for attempt in range(36):
        with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
            usual = 4 * seconds_of_a_file(memory)
        # Not deleted before the benchmark ends: it would be waited for.
        if all(seconds_of_a_file(tempfile.mkdtemp(dir=SANDBOX)) < usual for _ in range(16)):
            return
        if attempt == 0:
            click.echo("waiting until the file system has forgotten the files deleted in the last minutes", err=True)
        time.sleep(10)
    click.echo("it still makes files slowly: a backfill will take longer than it need", err=True)


def seconds_of_a_file(folder: str) -> float:
    """What making a file takes in an empty folder."""
    files = 100
    began = time.perf_counter()
    for number in range(files):
        Path(folder, str(number)).write_bytes(b"x")
    return (time.perf_counter() - began) / files


def stop(env: dict[str, str]) -> None:
    """Stop the servers and delete what they hold."""
    run(sys.executable, REPOSITORY / "scripts" / "sandbox.py", "down", env=env)
    shutil.rmtree(SANDBOX)
