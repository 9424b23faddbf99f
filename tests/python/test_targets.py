"""Targets: a command reaches the servers of the one that it is given, and no others."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import yaml
from conftest import DBT, REPO, Project, Sandbox, clean_environment, drop_databases, new_project, run_program

from sandbox.processes import free_ports

CLICKHOUSE = tuple(f"CLICKHOUSE_{name}" for name in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE", "SECURE"))
POSTGRES = tuple(f"POSTGRES_{name}" for name in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE"))
PARITY = ("PARITY_POSTGRES_USER", "PARITY_POSTGRES_PASSWORD")
OWNER = ("POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DATABASE", "OWNER_POSTGRES_USER", "OWNER_POSTGRES_PASSWORD")
# Where nobody listens.
ELSEWHERE = {
    **dict.fromkeys(("CLICKHOUSE_HOST", "POSTGRES_HOST"), "127.0.0.1"),
    **dict.fromkeys(("CLICKHOUSE_PORT", "POSTGRES_PORT"), "1"),
    **dict.fromkeys((*CLICKHOUSE[2:5], *POSTGRES[2:], *PARITY, *OWNER[3:]), "elsewhere"),
    "CLICKHOUSE_SECURE": "True",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


@dataclass
class Command:
    """A program with its options that talks to servers, and the variables that it needs in production.

    {log} and {folder} in its words: an event log, and a folder of the test's own.
    """

    words: tuple[str, ...]
    needs: tuple[str, ...]
    sandbox: str = "sandbox"
    production: str = "production"


def dbt(*words: str) -> tuple[str, ...]:
    folders = ("--target-path", "{folder}", "--log-path", "{folder}")
    return (str(DBT), "--no-use-colors", *words, "--vars", "{{event_log: {log}}}", *folders)


def dbt_run(model: str) -> tuple[str, ...]:
    return dbt("run", "--select", model)


def script(name: str, *options: str) -> tuple[str, ...]:
    return (str(REPO / "scripts" / f"{name}.py"), *options)


COMMANDS = {
    "dbt": Command(dbt_run("stg_tag"), CLICKHOUSE),
    "dbt in PostgreSQL": Command(dbt_run("expected_tag"), POSTGRES, "postgres", "postgres_production"),
    "dbt as an owner": Command(
        dbt("run-operation", "remove_legacy_tables"), OWNER, "postgres_owner", "postgres_owner_production"
    ),
    "connect_postgres": Command(script("connect_postgres", "--collection", "of_targets"), CLICKHOUSE + POSTGRES),
    "backfill_summary": Command(script("backfill_summary"), CLICKHOUSE),
    "explain_metric": Command(
        script("explain_metric", "Tag", "Hidden", "--id", "1", "--vars", "{{event_log: {log}}}"), CLICKHOUSE
    ),
    "parity_report": Command(
        script("parity_report", "--details", "0", "--vars", "{{event_log: {log}}}", "--output", "{folder}/report.html"),
        CLICKHOUSE,
    ),
    "push_metrics": Command(script("push_metrics", "entities", "--entity-type", "Tag"), (*CLICKHOUSE, "REDIS_URL")),
}


@dataclass
class Run:
    """Runs commands: those that write or read marts in a database of their own, the others in that of the backfill."""

    sandbox: Sandbox
    database: str
    folder: Path

    def __call__(self, command: Command, target: str, **variables: str) -> tuple[int, str]:
        places = {"log": f"{self.database}.entityMetricEvents", "folder": self.folder}
        words = [word.format(**places) for word in command.words]
        env = clean_environment(DBT_PROFILES_DIR=str(self.sandbox.dir), **variables)
        code, output = run_program(*words, "--target", target, env=env)
        for secret in ("clickhouse-sandbox", "metrics-reader-sandbox", "metrics-parity-sandbox"):
            assert secret not in output
        return code, output

    def variables(self, names: tuple[str, ...]) -> dict[str, str]:
        """Production's variables, as they would name the sandbox."""
        return {name: (self.sandbox.env | {"CLICKHOUSE_DATABASE": self.database})[name] for name in names}

    def state(self) -> list[tuple]:
        """What the commands could have made."""
        made = self.sandbox.rows(f"select name from system.tables where database like '{self.database}%' order by 1")
        made += self.sandbox.rows("select name from system.named_collections order by 1")
        made += [(key.decode(),) for key in redis.Redis.from_url(self.sandbox.env["REDIS_URL"]).scan_iter()]
        made += self.sandbox.postgres("select viewname from pg_views where schemaname = 'metric_parity' order by 1")
        return made + [(path.name,) for path in self.folder.glob("report*")]


@pytest.fixture(params=COMMANDS)
def command(request: pytest.FixtureRequest) -> Command:
    return COMMANDS[request.param]


@pytest.fixture
def run(sandbox: Sandbox, backfilled: Project, command: Command, tmp_path: Path) -> Iterator[Run]:
    if command in (COMMANDS["dbt"], COMMANDS["push_metrics"]):
        log = new_project(sandbox, "targets", tmp_path).event_log
        sandbox.command(f"create view targets.logged_events as select * from {log} where createdAt > now()")
        tag = "'entity:metrics:Tag:1' as key, 'Tag' as entityType, 1 as id, map('Hidden', 2) as fields"
        sandbox.command(f"create view targets.entity_hashes as select {tag}")
        yield Run(sandbox, "targets", tmp_path)
        drop_databases(sandbox, "targets")
        redis.Redis.from_url(sandbox.env["REDIS_URL"]).flushall()
    else:
        yield Run(sandbox, backfilled.database, tmp_path)
    sandbox.command("drop named collection if exists of_targets")
    sandbox.postgres("drop view if exists metric_parity.expected_tag")


@pytest.mark.parametrize("missing", [slice(0, None, 2), slice(1, None, 2), slice(3, 4)], ids=str)
def test_production_is_refused_without_all_of_its_variables(run: Run, command: Command, missing: slice) -> None:
    absent = command.needs[missing]
    before = run.state()
    given = run.variables(tuple(name for name in command.needs if name not in absent))
    # A variable that is empty is missing as well.
    code, output = run(command, command.production, **given, **{absent[-1]: ""})
    assert code != 0
    assert ", ".join(absent) in output
    for name in given:
        assert name not in output
    if command.words[0] != str(DBT):
        message = f"The target production needs variables that are unset or empty: {', '.join(absent)}."
        assert output.removeprefix("Error: ").removeprefix("The parity report cannot be made. ") == f"{message}\n"
    assert run.state() == before


def test_the_sandbox_is_reached_whatever_the_environment_names(run: Run, command: Command) -> None:
    code, output = run(command, command.sandbox, **ELSEWHERE, SANDBOX_CLICKHOUSE_DATABASE=run.database)
    assert code == 0, output
    if command.sandbox == "sandbox":
        assert f"ClickHouse at 127.0.0.1:{run.sandbox.env['CLICKHOUSE_PORT']}, database {run.database}" in output
    if command is COMMANDS["connect_postgres"]:
        assert f"metrics_reader@127.0.0.1:{run.sandbox.env['POSTGRES_PORT']}/community" in output


def test_production_is_what_its_variables_name(run: Run, command: Command) -> None:
    port = run.sandbox.env["CLICKHOUSE_PORT"]
    # The sandbox's own variables do not count here.
    given = run.variables(command.needs) | {"SANDBOX_CLICKHOUSE_DATABASE": "nowhere"}
    if command is COMMANDS["dbt in PostgreSQL"]:
        given |= run.variables(PARITY)
    code, output = run(command, command.production, **given)
    assert code == 0, output
    server = f"ClickHouse at 127.0.0.1:{port}, database {run.database} (target production)"
    if command is COMMANDS["dbt"]:
        assert re.search(f"Event log {run.database}.entityMetricEvents, cutoff .* UTC, {re.escape(server)}", output)
    elif command is COMMANDS["push_metrics"]:
        assert f"{server}; Redis at" in output
        assert "1 written, 0 left as they are, 0 failed" in output
    elif command.production == "production":
        assert output.endswith(f"{server}\n")


@pytest.mark.parametrize("command", [COMMANDS["connect_postgres"], COMMANDS["backfill_summary"]], ids=["write", "read"])
def test_production_that_does_not_answer_is_an_error_of_one_line(run: Run, command: Command) -> None:
    code, output = run(command, "production", **run.variables(command.needs) | {"CLICKHOUSE_PORT": "1"})
    assert code == 1
    assert output.startswith(f"Error: ClickHouse at 127.0.0.1:1, database {run.database} (target production): ")
    assert output.count("\n") == 1


def test_a_value_that_cannot_be_is_named(sandbox: Sandbox, tmp_path: Path) -> None:
    run, command = Run(sandbox, "default", tmp_path), COMMANDS["backfill_summary"]
    for name, value, complaint in (
        ("PORT", "http", "port is 'http', which is no number"),
        ("SECURE", "perhaps", "secure is 'Perhaps', neither True nor False"),
    ):
        given = run.variables(CLICKHOUSE) | {f"CLICKHOUSE_{name}": value}
        assert run(command, "production", **given) == (
            1,
            f"Error: The target production of {sandbox.dir / 'profiles.yml'} cannot be used: {complaint}.\n",
        )


# profiles.yml ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A clean clone, as far as the sandbox needs it."""
    for folder in ("sandbox", "scripts"):
        shutil.copytree(REPO / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("dbt_project.yml", "profiles.yml.example"):
        shutil.copy(REPO / file, tmp_path)
    return tmp_path


@pytest.fixture
def sandbox_py(repository: Path) -> Iterator[Callable[..., str]]:
    def sandbox_py(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, str(repository / "scripts" / "sandbox.py"), *arguments],
            env=clean_environment(),
            text=True,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield sandbox_py
    sandbox_py("down")


def port_in(profiles: Path) -> int:
    return yaml.safe_load(profiles.read_text())["entity_metrics"]["outputs"]["sandbox"]["port"]


def test_plain_dbt_reaches_the_sandbox_that_is_up_on_any_ports(
    repository: Path, sandbox_py: Callable[..., str]
) -> None:
    sandbox_py("profiles")
    assert port_in(repository / "profiles.yml") == 28123
    postgres, clickhouse, valkey = free_ports(3)
    ports = [f"--postgres-port={postgres}", f"--clickhouse-port={clickhouse}", f"--valkey-port={valkey}"]
    assert "profiles.yml" not in sandbox_py(*ports, "up")
    for folder in (repository, repository / ".sandbox"):
        assert port_in(folder / "profiles.yml") == clickhouse
    debug = [DBT, "--no-use-colors", "debug", "--connection", "--log-path", "logs"]
    done = subprocess.run(debug, cwd=repository, env=clean_environment(**ELSEWHERE), text=True, stdout=subprocess.PIPE)
    assert done.returncode == 0, done.stdout
    assert f"port: {clickhouse}\n" in done.stdout
    # A script, run anywhere.
    done = subprocess.run(
        [sys.executable, str(repository / "scripts" / "connect_postgres.py")],
        cwd="/",
        env=clean_environment(**ELSEWHERE),
        text=True,
        capture_output=True,
    )
    assert done.stdout == (
        f"postgres_source: metrics_reader@127.0.0.1:{postgres}/community, schema public, "
        f"in ClickHouse at 127.0.0.1:{clickhouse}, database metrics (target sandbox)\n"
    )


def test_profiles_of_somebodys_own_are_left_alone(repository: Path, sandbox_py: Callable[..., str]) -> None:
    own, written = repository / "profiles.yml", repository / ".sandbox" / "profiles.yml"
    own.write_text("# mine\n")
    (line,) = sandbox_py("--clickhouse-port=1234", "profiles").splitlines()
    assert f"{own} is your own" in line
    assert f"DBT_PROFILES_DIR={written.parent}" in line
    assert own.read_text() == "# mine\n"
    assert port_in(written) == 1234


def test_a_sandbox_in_another_folder_writes_nothing_outside_it(
    repository: Path, sandbox_py: Callable[..., str]
) -> None:
    assert sandbox_py(f"--dir={repository / 'other'}", "profiles") == ""
    assert (repository / "other" / "profiles.yml").exists()
    assert not (repository / "profiles.yml").exists()
