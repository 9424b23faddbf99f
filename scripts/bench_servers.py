"""Servers of a benchmark's own, below .sandbox/bench."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

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


def stop(env: dict[str, str]) -> None:
    """Stop the servers and delete what they hold."""
    run(sys.executable, REPOSITORY / "scripts" / "sandbox.py", "down", env=env)
    shutil.rmtree(SANDBOX)
