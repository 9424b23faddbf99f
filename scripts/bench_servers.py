"""Servers of a benchmark's own, below .sandbox/bench."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox_lib import settings
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


def stop(env: dict[str, str]) -> None:
    """Stop the servers and delete what they hold."""
    run(sys.executable, REPOSITORY / "scripts" / "sandbox.py", "down", env=env)
    shutil.rmtree(SANDBOX)
