"""What a person sees at the terminal: help, refusals, colours, and the end by Ctrl-C."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import DBT, REPO, Project, Sandbox
from terminal import Terminal

from sandbox.processes import ports_of_its_own

SCRIPTS = [
    *("scripts/backfill_summary.py", "scripts/connect_postgres.py", "scripts/explain_metric.py"),
    *("scripts/generate.py", "scripts/parity_report.py", "scripts/push_metrics.py", "scripts/sandbox.py"),
    *("scripts/run_job.py", "scripts/screenshots.py", "scripts/bench.py"),
]
COMMANDS = ["scripts/demo", "scripts/test"]
COLOUR = "\x1b["
END = ["Interrupted."]


# Help and refusals -----------------------------------------------------------------------------------------------


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in which nothing has been installed or started."""
    shutil.copytree(REPO / "scripts", tmp_path / "scripts")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_the_commands_says_what_they_take(clone: Path, command: str) -> None:
    before = sorted(clone.rglob("*"))
    done = subprocess.run([clone / command, "--help"], cwd="/", text=True, capture_output=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"^  {command} ", done.stdout, re.M)
    assert not re.search("^#|^set -|^source ", done.stdout, re.M)
    assert sorted(clone.rglob("*")) == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("scripts/demo", ["--scale"]),
        ("scripts/demo", ["0"]),
        ("scripts/demo", ["much"]),
        ("scripts/demo", ["0.1", "2"]),
        ("scripts/test", ["tests/python"]),
    ],
)
def test_unknown_arguments_are_refused_before_anything_is_started(clone: Path, command: str, words: list[str]) -> None:
    before = sorted(clone.rglob("*"))
    done = subprocess.run([clone / command, *words], text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"{command} does not take '{' '.join(words)}'; {command} --help says what it takes.\n"
    assert sorted(clone.rglob("*")) == before


@pytest.mark.parametrize("script", ["scripts/sandbox.py", "scripts/push_metrics.py", "scripts/bench.py"])
def test_no_sentence_about_a_subcommand_is_cut(script: str) -> None:
    env = os.environ | {"COLUMNS": "80"}
    shown = subprocess.run([sys.executable, script, "--help"], cwd=REPO, env=env, text=True, capture_output=True).stdout
    commands = shown.partition("\nCommands:\n")[2].splitlines()
    assert len(commands) > 2
    assert [line for line in commands if "..." in line or "…" in line] == []


# Colours ---------------------------------------------------------------------------------------------------------


def test_colours_are_for_terminals(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests' own output may be a pipe.
    for name in [name for name in os.environ if "COLOR" in name]:
        monkeypatch.delenv(name)
    command = f"source scripts/_environment.sh; step Try {DBT} debug --connection --log-path {project.target}"
    steps = ["bash", "-c", command]
    piped = subprocess.run(steps, cwd=REPO, env=project.environment(), text=True, capture_output=True).stdout
    log = (project.target / "dbt.log").read_text()
    assert "OK connection ok" in piped
    assert "OK connection ok" in log
    assert COLOUR not in piped + log
    for environment, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        shown = Terminal(*steps, env=project.environment() | environment).whole()
        assert "connection ok" in shown
        assert (COLOUR in shown) == coloured


# Ctrl-C ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", SCRIPTS)
def test_ctrl_c_while_a_script_is_starting(script: str) -> None:
    commands = {"explain_metric": ["Tag", "Hidden"], "push_metrics": ["entities"], "run_job": ["marts"]}
    terminal = Terminal(sys.executable, "-X", "importtime", script, *commands.get(Path(script).stem, []))
    terminal.wait_for(terminal.shows(r"\| +click$"))
    assert terminal.ctrl_c() == END


@pytest.mark.parametrize("script", ["scripts/explain_metric.py", "scripts/parity_report.py"])
def test_ctrl_c_while_dbt_works_in_a_script(sandbox: Sandbox, script: str) -> None:
    arguments = ["Tag", "Hidden"] if "explain" in script else []
    terminal = Terminal(sys.executable, "-X", "importtime", script, *arguments, env=sandbox.env)
    terminal.wait_for(terminal.shows(r"\| +dbt\.adapters\.clickhouse\.impl$"))
    assert terminal.ctrl_c() == END


def test_ctrl_c_while_a_script_waits_for_dbt() -> None:
    terminal = Terminal("scripts/generate.py")
    terminal.wait_for(lambda: any("compile" in child for child in terminal.children()))
    assert terminal.ctrl_c() == END


def running_in(folder: Path) -> list[psutil.Process]:
    """The processes whose command line names a folder."""
    processes = psutil.process_iter(["cmdline"])
    return [process for process in processes if str(folder) in " ".join(process.info["cmdline"] or [])]


def test_ctrl_c_while_servers_start_leaves_none_behind(tmp_path: Path) -> None:
    env = ports_of_its_own() | {"SANDBOX_DIR": str(tmp_path / "sandbox"), "DBT_PROFILES_DIR": str(tmp_path)}
    terminal = Terminal("scripts/sandbox.py", "up", env=env)
    terminal.wait_for((tmp_path / "sandbox" / "state.json").exists)
    assert terminal.ctrl_c() == END
    assert running_in(tmp_path) == []


def test_ctrl_c_ends_a_benchmark_and_its_servers() -> None:
    terminal = Terminal("scripts/bench.py", "lookup", "--entities", "10", "--events", "0")
    folder = REPO / ".sandbox" / "bench"
    terminal.wait_for((folder / "servers_0" / "state.json").exists)
    assert terminal.ctrl_c() == END
    assert not folder.exists()
    assert running_in(folder) == []
