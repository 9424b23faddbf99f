"""Operations: metrics say what became of a job, alerts fire on them, and each deployment runs the jobs in order."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock
from urllib.parse import urlencode

import psutil
import pytest
import redis
import yaml
from conftest import REPO, Sandbox, start_sandbox, stop_sandbox
from event_log_checks import BEFORE, LIVE
from parsed_project import wait_until
from prometheus_client.parser import text_string_to_metric_families
from terminal import INTERRUPTED, Terminal
from valkey_servers import valkey

import job_metrics
import run_job
from run_job import DBT, JOBS
from sandbox.processes import free_ports

LOG = "default.entityMetricEvents"
# Drift: a live event that the application recorded twice.
POST_EVENT_TWICE = (
    f"insert into {LOG} select * from {LOG} where entityType = 'Post' and {LIVE} order by entityId limit 1"
)
DEPLOY = REPO / "deploy"
INSTALLED, PYTHON = "/opt/entity-metrics", ".venv/bin/python"
# Five counters of the seed's live events have drifted on purpose.
PLANTED = {"Image": 2, "User": 3}
# Tags that are hidden once less than was landed.
LESS = 'delete from "TagEngagement" where type = \'Hide\' and "tagId" % 3 = 0'

# Metric, without the prefix, and the values of its labels beside task.
Written = dict[tuple[str, ...], float]


def written(folder: Path, job: str) -> Written:
    """What a job's file says, as Prometheus' own parser reads it."""
    found: Written = {}
    text = (folder / f"entity_metrics_{job.replace('-', '_')}.prom").read_text()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("task") == job
            found[sample.name.removeprefix("entity_metrics_"), *labels.values()] = sample.value
    return found


def by_label(found: Written, metric: str, zeros: bool = False) -> dict[str, int]:
    """A metric's values by its one label, without those that are 0."""
    return {key[1]: int(value) for key, value in found.items() if key[0] == metric and (value or zeros)}


def verdict(found: Written) -> str:
    (said,) = by_label(found, "audit_verdict")
    return said


@dataclass
class Town:
    """Servers of their own, with an environment file and a folder for metrics as a deployment has them."""

    sandbox: Sandbox
    folder: Path

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.sandbox.env,
            "DBT_TARGET": "sandbox",
            "METRICS_DIRECTORY": str(self.metrics),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
            # They have a test of their own, scripts/test.
            "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
        }

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(REPO / "scripts" / "run_job.py"), *arguments],
            env=os.environ | self.environment | environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Whatever shell the tests were started from.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def run(self, *arguments: str, code: int = 0, **environment: str) -> str:
        process = self.start(*arguments, **environment)
        output, _ = process.communicate()
        assert process.returncode == code, output
        return output

    def written(self, job: str) -> Written:
        return written(self.metrics, job)

    def keep(self, name: str) -> Path:
        """The files of metrics as they are now."""
        return shutil.copytree(self.metrics, self.folder / name)

    def events(self, where: str) -> dict[str, int]:
        """Events of the log by entity type."""
        return dict(self.sandbox.rows(f"select toString(entityType), count() from {LOG} where {where} group by 1"))

    def fingerprint(self) -> tuple:
        return self.sandbox.rows(f"select count(), sum(cityHash64(*)) from {LOG}")[0]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    sandbox = start_sandbox(REPO / ".sandbox" / f"operations-{os.getpid()}")
    town = Town(sandbox, tmp_path_factory.mktemp("town"))
    town.metrics.mkdir()
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in town.environment.items()]
    (town.folder / "environment").write_text("".join(lines))
    # Lands the tables; and each job finds the project parsed.
    parsed = town.folder / "target" / "parsed"
    subprocess.run(
        [Path(sys.executable).with_name("dbt"), "run", "--select", "path:models/staging", "--target-path", parsed],
        cwd=REPO, env=os.environ | town.environment, check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    for job in JOBS:
        (parsed.parent / job).mkdir()
        shutil.copy(parsed / "partial_parse.msgpack", parsed.parent / job)
    yield town
    stop_sandbox(sandbox)


# Deployments ------------------------------------------------------------------------------------------------------


@dataclass
class Night:
    """What became of a night: exit code, what would be mailed, the files of metrics, the log before and after."""

    code: int
    printed: str
    metrics: Path
    log: tuple[tuple, tuple]
    began: float


def here(town: Town, text: str) -> str:
    """A line of a deployment, with this repository and this sandbox instead of the places in production."""
    text = text.replace("/etc/entity-metrics/environment", str(town.folder / "environment"))
    text = text.replace("/var/log/entity-metrics.log", str(town.folder / "log"))
    text = re.sub(rf"({INSTALLED}/)?{re.escape(PYTHON)}", sys.executable, text)
    return text.replace(INSTALLED, str(REPO))


def crontab() -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The variables of the crontab, and schedule and command of each of its lines."""
    lines = [line for line in (DEPLOY / "cron").read_text().splitlines() if line and not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines if re.match("[A-Z]+=", line))
    jobs = [re.fullmatch(r"((?:\S+ ){5})metrics (.*)", line) for line in lines if not re.match("[A-Z]+=", line)]
    return variables, [(job[1].strip(), job[2]) for job in jobs]


def by_cron(town: Town, number: int) -> tuple[int, str]:
    """Runs a line of the crontab as cron does: by its shell, with its variables and no others."""
    variables, lines = crontab()
    env = {name: here(town, value) for name, value in variables.items()} | {"HOME": str(town.folder)}
    done = subprocess.run(
        [env["SHELL"], "-c", here(town, lines[number][1])],
        env=env, cwd="/", text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def unit(name: str, key: str) -> list[str]:
    """All values of a key in a unit of systemd."""
    return re.findall(rf"^{key}=(.*)$", (DEPLOY / "systemd" / name).read_text(), re.M)


def by_systemd(town: Town, name: str) -> tuple[int, str]:
    """Runs the commands of a service as systemd does: one after the other, and none after one that fails."""
    (file,), (folder,) = unit(name, "EnvironmentFile"), unit(name, "WorkingDirectory")
    lines = Path(here(town, file)).read_text().splitlines()
    env = dict(shlex.split(line)[0].split("=", 1) for line in lines) | {"PATH": "/usr/bin:/bin"}
    printed = ""
    for command in unit(name, "ExecStart"):
        done = subprocess.run(
            shlex.split(here(town, command)),
            env=env, cwd=here(town, folder), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        printed += done.stdout
        if done.returncode:
            return done.returncode, printed
    return 0, printed


def play(town: Town, name: str, nightly) -> Night:
    before, began = town.fingerprint(), time.time()
    code, printed = nightly()
    return Night(code, printed, town.keep(name), (before, town.fingerprint()), began)


@pytest.fixture(scope="module")
def red(town: Town) -> dict[str, Night]:
    """The first night, in which PostgreSQL counts less than was landed: twice, by cron and by systemd."""
    postgres = town.sandbox.postgres
    postgres('create table kept as table "TagEngagement"')
    postgres(LESS)
    nights = {
        "cron": play(town, "red-cron", lambda: by_cron(town, 0)),
        "systemd": play(town, "red-systemd", lambda: by_systemd(town, "entity-metrics-nightly.service")),
    }
    postgres('delete from "TagEngagement"')
    postgres('insert into "TagEngagement" table kept')
    return nights


@pytest.fixture(scope="module")
def green(town: Town, red: dict[str, Night]) -> Night:
    """The second night, by cron, and the morning after it: all is well."""
    night = play(town, "night", lambda: by_cron(town, 0))
    assert night.code == 0, (town.folder / "log").read_text()
    code, printed = by_cron(town, 1)
    assert (code, printed) == (0, ""), (town.folder / "log").read_text()
    night.metrics = town.keep("green")
    return night


@pytest.fixture(scope="module")
def third(town: Town, green: Night) -> Night:
    """The third night, by systemd: two counters of images have drifted, and a key of Redis is no hash."""
    cache = redis.Redis.from_url(town.sandbox.env["REDIS_URL"])
    town.run("push-entities")
    key = sorted(cache.scan_iter("entity:metrics:Tag:*"))[0]
    cache.delete(key)
    cache.set(key, "no hash")
    # Live events that the application recorded twice.
    town.sandbox.command(
        f"insert into {LOG} select * from {LOG} where entityType = 'Image' and metricType = 'ReactionHeart'"
        f" and userId > 0 and {LIVE} order by entityId limit 1 by entityId limit 2"
    )
    night = play(town, "third", lambda: by_systemd(town, "entity-metrics-nightly.service"))
    cache.delete(key)
    return night


def test_every_deployment_runs_the_same_commands_in_the_same_order() -> None:
    variables, ((_, nightly), (_, parity)) = crontab()
    assert variables["RUN"] == f"{PYTHON} scripts/run_job.py"

    def after_run(line: str) -> list[str]:
        return re.findall(r"\$RUN ([\w -]+?)(?: &&|; \}| >>)", line)

    dag = ast.parse((DEPLOY / "airflow" / "entity_metrics.py").read_text())
    lists = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in dag.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List)
    }
    run = f"{INSTALLED}/{PYTHON} scripts/run_job.py "
    for line, name in ((nightly, "nightly"), (parity, "parity")):
        jobs = after_run(line)
        assert [job.split()[0] for job in jobs] == [job for job in JOBS if job in line.split()]
        assert [run + job for job in jobs] == unit(f"entity-metrics-{name}.service", "ExecStart")
        assert jobs == lists[name.upper()]
    schedules = re.findall(r'"(\d+ \d+ \* \* \*)"', ast.unparse(dag).replace("'", '"'))
    assert schedules == [schedule for schedule, _ in crontab()[1]]
    for (minute, hour, *_), name in zip(map(str.split, schedules), ("nightly", "parity"), strict=True):
        assert unit(f"entity-metrics-{name}.timer", "OnCalendar") == [f"*-*-* {int(hour):02}:{int(minute):02}:00"]


def test_the_environment_file_names_what_production_needs() -> None:
    lines = (DEPLOY / "environment.example").read_text().splitlines()
    given = {line.split("=")[0] for line in lines if not line.startswith("#")}
    settings = (REPO / "docs" / "settings.md").read_text()
    assert given == {"DBT_TARGET", "METRICS_DIRECTORY", "REDIS_URL", *re.findall(r"CLICKHOUSE_\w+", settings)}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_has_nothing_to_say_against_the_units(town: Town, tmp_path: Path) -> None:
    for file in (DEPLOY / "systemd").iterdir():
        (tmp_path / file.name).write_text(here(town, file.read_text()))
    for file in sorted(tmp_path.iterdir()):
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", file], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert [line for line in done.stdout.splitlines() if "entity-metrics" in line] == []
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("way", ["cron", "systemd"])
def test_a_red_audit_ends_the_chain_and_leaves_the_log_alone(red: dict[str, Night], way: str) -> None:
    night = red[way]
    assert night.code == 1
    before, after = night.log
    assert before == after
    assert "source_parity_tag" in night.printed
    # Only the first job has run.
    assert [file.name for file in night.metrics.iterdir()] == ["entity_metrics_backfill.prom"]
    found = written(night.metrics, "backfill")
    assert (verdict(found), found["run_exit_code",]) == ("failed", 1)
    assert ("run_last_success_timestamp_seconds",) not in found
    assert by_label(found, "published_events") == {}
    assert list(by_label(found, "audit_differences")) == ["Tag"]
    assert by_label(found, "stage_rows")["audit"] >= by_label(found, "audit_differences")["Tag"] > 0
    assert by_label(found, "tests")["fail"] > 0


def test_a_chain_that_stops_tells_somebody(red: dict[str, Night]) -> None:
    assert red["cron"].printed.startswith("The nightly jobs stopped. The end of ")
    for name in ("nightly", "parity"):
        (told,) = unit(f"entity-metrics-{name}.service", "OnFailure")
        assert (DEPLOY / "systemd" / told.replace("%n", "")).exists()


def test_a_night_that_goes_well_prints_nothing(green: Night) -> None:
    assert (green.code, green.printed) == (0, "")
    assert {file.stem for file in green.metrics.iterdir()} == {
        f"entity_metrics_{job.replace('-', '_')}" for job in JOBS if job != "report"
    }


def test_a_push_that_fails_ends_the_chain_after_what_was_done(third: Night) -> None:
    assert third.code == 1
    found = written(third.metrics, "push-entities")
    assert by_label(found, "push_keys")["failed"] == 1
    assert found["run_exit_code",] == 1
    assert written(third.metrics, "marts")["run_started_timestamp_seconds",] > third.began
    assert written(third.metrics, "push-user-metrics")["run_started_timestamp_seconds",] < third.began


# What the metrics say ---------------------------------------------------------------------------------------------


def test_a_backfill_says_what_it_published_and_how_long_its_stages_took(town: Town, green: Night) -> None:
    found = written(green.metrics, "backfill")
    history = town.events(BEFORE)
    assert len(history) == 10
    assert by_label(found, "published_events") == by_label(found, "published_events_total") == history
    rows = by_label(found, "stage_rows")
    assert rows["pending"] == rows["published"] == sum(history.values())
    database = town.sandbox.env["CLICKHOUSE_DATABASE"]
    # The first landing of each table; the reconcile has landed some again.
    first = f"select argMin(rows, at) as rows from {database}.metric_landings where state = 'complete'"
    assert rows["landing"] == town.sandbox.value(f"select sum(rows) from ({first} group by staging_table)")
    seconds = {key[1]: value for key, value in found.items() if key[0] == "stage_duration_seconds"}
    assert seconds.keys() == {"landing", "events", "pending", "audit", "published"}
    assert all(0 < taken < found["run_duration_seconds",] for taken in seconds.values())
    assert (verdict(found), by_label(found, "audit_differences")) == ("passed", {})
    assert by_label(found, "tests", zeros=True)["fail"] == 0


def test_every_run_says_when_it_began_ended_and_succeeded(green: Night) -> None:
    for job in ("backfill", "reconcile", "marts", "push-entities", "push-user-metrics", "push-user-reactions"):
        found = written(green.metrics, job)
        began, ended = found["run_started_timestamp_seconds",], found["run_ended_timestamp_seconds",]
        assert green.began < began < ended < time.time()
        assert found["run_duration_seconds",] == pytest.approx(ended - began)
        assert (found["run_last_success_timestamp_seconds",], found["run_exit_code",]) == (ended, 0)


def test_a_reconcile_says_what_had_drifted_and_that_it_is_repaired(town: Town, green: Night, third: Night) -> None:
    first, second = written(green.metrics, "reconcile"), written(third.metrics, "reconcile")
    assert by_label(first, "drift_found") == by_label(first, "drift_repaired") == PLANTED
    assert len(by_label(first, "drift_found", zeros=True)) == 10
    corrected = "userId = 0 and toUnixTimestamp(createdAt) >= {:.0f}"
    assert town.events(corrected.format(green.began)) == {"Image": 2 + 2, "User": 3}
    assert by_label(second, "drift_found") == by_label(second, "drift_repaired") == {"Image": 2}
    assert by_label(second, "published_events_total") == {"Image": 4, "User": 3}
    assert town.events(corrected.format(third.began)) == {"Image": 2}


def test_a_reconcile_says_when_each_table_was_looked_at(town: Town, green: Night, third: Night) -> None:
    of_nights = [
        by_label(written(night.metrics, "reconcile"), "oldest_look_timestamp_seconds") for night in (green, third)
    ]
    database = town.sandbox.env["CLICKHOUSE_DATABASE"]
    staged = town.sandbox.rows(
        f"select name from system.tables where database = '{database}' and name like 'stg%' and total_rows > 0"
    )
    assert of_nights[0].keys() == of_nights[1].keys() == {name for (name,) in staged}
    assert all(int(green.began) <= look < third.began for look in of_nights[0].values())
    ended = written(third.metrics, "reconcile")["run_ended_timestamp_seconds",]
    assert all(int(third.began) <= look < ended for look in of_nights[1].values())


def test_marts_and_pushes_say_how_many_rows_and_keys_they_have(town: Town, third: Night) -> None:
    database = town.sandbox.env["CLICKHOUSE_DATABASE"]
    users = town.sandbox.value(f"select count() from {database}.user_hashes where notEmpty(fields)")
    assert by_label(written(third.metrics, "push-user-metrics"), "push_keys")["written"] >= users > 0
    keys = by_label(written(third.metrics, "push-entities"), "push_keys")
    entities = town.sandbox.value(f"select count() from {database}.entity_hashes")
    assert sum(keys.values()) == entities
    assert keys["written"] > 0
    marts = written(third.metrics, "marts")
    assert by_label(marts, "stage_rows")["marts"] > 0
    assert by_label(marts, "audit_verdict") == {}


def test_drift_that_only_a_dry_run_has_seen_is_not_repaired(town: Town, third: Night) -> None:
    town.sandbox.command(POST_EVENT_TWICE)
    town.run("reconcile", "--vars", "{reconcile_dry_run: true}")
    found = town.written("reconcile")
    assert by_label(found, "drift_found") == {"Post": 1}
    assert by_label(found, "drift_repaired") == {}


def test_a_report_that_finds_a_difference_is_a_verdict_and_no_success(town: Town, third: Night) -> None:
    town.sandbox.command(POST_EVENT_TWICE)
    present = ("--vars", "{parity: present}")
    town.run("report", *present, "--details", "0", "--output", str(town.folder / "report.html"), code=1)
    found = town.written("report")
    assert (verdict(found), found["run_exit_code",]) == ("failed", 1)
    assert ("run_last_success_timestamp_seconds",) not in found


# Runs that do not end well ----------------------------------------------------------------------------------------


def end_of(process: subprocess.Popen, number: int) -> None:
    """Sends a signal once dbt is at work."""
    for line in process.stdout:
        if "Concurrency" in line:
            break
    process.send_signal(number)


def test_a_run_that_is_killed_says_so_and_keeps_the_last_success(town: Town, green: Night) -> None:
    before = town.written("backfill")
    process = town.start("backfill")
    end_of(process, signal.SIGTERM)
    assert process.wait() == 128 + signal.SIGTERM
    found = town.written("backfill")
    assert found["run_exit_code",] == 128 + signal.SIGTERM
    assert verdict(found) == "not_run"
    assert found["run_ended_timestamp_seconds",] > found["run_started_timestamp_seconds",] > green.began
    # Of what it did nothing is known; what it did not change is.
    assert {key[0] for key in found} & {"stage_rows", "tests", "published_events"} == set()
    kept = ("run_last_success_timestamp_seconds", "published_events_total")
    assert {key: value for key, value in found.items() if key[0] in kept} == {
        key: value for key, value in before.items() if key[0] in kept
    }


def test_a_run_that_is_killed_with_kill_9_has_begun_and_not_ended(town: Town, green: Night) -> None:
    before = town.written("marts")
    process = town.start("marts")
    wait_until(lambda: psutil.Process(process.pid).children())
    (dbt,) = psutil.Process(process.pid).children()
    process.kill()
    process.wait()
    dbt.kill()
    found = town.written("marts")
    assert found["run_started_timestamp_seconds",] > found["run_ended_timestamp_seconds",]
    assert {key for key in found if found[key] != before[key]} == {("run_started_timestamp_seconds",)}


def test_ctrl_c_is_one_line(town: Town, green: Night) -> None:
    terminal = Terminal(sys.executable, "scripts/run_job.py", "parity", env=town.environment)
    terminal.wait_for(terminal.shows("Running with dbt"))
    # dbt says what it was about until it ends, each line with the time.
    assert [line for line in terminal.ctrl_c() if not re.search(r"\d\d:\d\d:\d\d  ", line)] == ["Interrupted."]
    assert town.written("parity")["run_exit_code",] == INTERRUPTED


def test_a_push_to_a_redis_that_is_gone_says_so_and_nothing_of_its_password(
    town: Town, green: Night, tmp_path: Path
) -> None:
    with valkey(tmp_path / "valkey", "--requirepass", "hush-hush") as server:
        url = f"redis://:hush-hush@127.0.0.1:{server.port}/0"
        environment = {"DBT_TARGET": "production", "REDIS_URL": url}
        town.run("push-user-metrics", **environment)
        success = town.written("push-user-metrics")
        pushed = list(redis.Redis.from_url(url).scan_iter("user:metrics:*"))
        assert by_label(success, "push_keys")["written"] == len(pushed) > 0
        server.stop()
        output = town.run("push-user-metrics", "--retry-for", "0.2", code=2, **environment)
    found = town.written("push-user-metrics")
    assert "cannot be worked with" in output
    assert found["run_exit_code",] == 2
    key = ("run_last_success_timestamp_seconds",)
    assert found[key] == success[key] < found["run_started_timestamp_seconds",]
    assert by_label(found, "push_keys", zeros=True) == {}
    assert [file for file in town.metrics.iterdir() if "hush" in file.read_text()] == []


def test_a_run_that_dbt_refuses_has_no_verdict(town: Town, tmp_path: Path) -> None:
    assert "No such option" in town.run("parity", "--nonsense", code=2, METRICS_DIRECTORY=str(tmp_path))
    found = written(tmp_path, "parity")
    assert (verdict(found), found["run_exit_code",]) == ("not_run", 2)


def test_a_log_that_cannot_be_asked_takes_nothing_but_its_numbers(
    town: Town, third: Night, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (port,) = free_ports(1)
    folder = town.folder / "target" / "reconcile"
    with mock.patch.dict(os.environ, town.environment | {"CLICKHOUSE_PORT": str(port)}):
        found = run_job.metrics_of("reconcile", "production", folder, tmp_path / "none", 0)
    assert "The metrics are without numbers of the log." in capsys.readouterr().err
    assert verdict(found) == "passed"
    assert by_label(found, "tests")["pass"] > 0
    assert by_label(found, "drift_found", zeros=True) == {}


def test_a_run_whose_metrics_cannot_be_written_keeps_its_exit_code(town: Town, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    folder = tmp_path / "metrics"
    folder.mkdir()
    environment = {"DBT_TARGET": "production", "REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    process = town.start("push-entities", "--retry-for", "3", METRICS_DIRECTORY=str(folder), **environment)
    wait_until((folder / "entity_metrics_push_entities.prom").exists)
    shutil.rmtree(folder)
    output, _ = process.communicate()
    assert process.returncode == 2
    assert f"Error: {folder}/entity_metrics_push_entities.prom cannot be written: " in output


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["backfil"], {}, "'backfil' is not one of 'backfill', 'reconcile'"),
        ([], {}, "Missing argument 'JOB'"),
        (["marts"], {"METRICS_DIRECTORY": "/nowhere"}, "Directory '/nowhere' does not exist."),
        (["marts"], {"DBT_TARGET": "prod"}, "'prod' is not one of 'sandbox', 'production'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    town: Town, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    before = {file: file.read_text() for file in town.metrics.iterdir()}
    assert said in town.run(*arguments, code=2, **environment)
    assert {file: file.read_text() for file in town.metrics.iterdir()} == before


def test_a_file_that_holds_no_metrics_is_named_before_anything_runs(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "entity_metrics_marts.prom"
    file.write_text("no metrics {\n")
    output = town.run("marts", code=1, METRICS_DIRECTORY=str(tmp_path))
    assert f"{file} cannot be read as metrics" in output
    assert "Running with dbt" not in output
    assert file.read_text() == "no metrics {\n"


# Prometheus -------------------------------------------------------------------------------------------------------


def tool(*names: str) -> str:
    """A program of Prometheus: on the PATH, or where scripts/test unpacks it."""
    unpacked = [REPO / ".sandbox" / "prometheus" / "usr" / "bin" / name for name in names]
    found = [path for name in names if (path := shutil.which(name))] + [path for path in unpacked if path.exists()]
    assert found, f"There is no {names[0]}: install Debian's packages prometheus and prometheus-node-exporter."
    return str(found[0])


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(
        [tool("promtool"), *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=REPO
    )
    assert done.returncode == 0, done.stdout


@contextmanager
def process(*command: object) -> Iterator[None]:
    running = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait()


@dataclass
class Prometheus:
    """A Prometheus that reads files of metrics by way of node_exporter; its jobs are the folders' names."""

    url: str

    def ask(self, path: str, **parameters: str) -> dict:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urlencode(parameters)}") as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict]:
        return self.ask("query", query=expression)["result"]

    def firing(self, job: str) -> set[tuple[str, str]]:
        """Alerts that fire on a folder, and the jobs they name."""
        alerts = self.ask("alerts")["alerts"]
        return {
            (alert["labels"]["alertname"].removeprefix("EntityMetrics"), alert["labels"]["task"])
            for alert in alerts
            if alert["state"] == "firing" and alert["labels"].get("job") == job
        }


@pytest.fixture(scope="module")
def prometheus(
    red: dict[str, Night], green: Night, third: Night, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    folders = {"red": red["cron"].metrics, "green": green.metrics, "third": third.metrics}
    port, *ports = free_ports(1 + len(folders))
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "2s", "evaluation_interval": "1s"},
                "rule_files": [str(DEPLOY / "prometheus" / "alerts.yml")],
                "scrape_configs": [
                    {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{its_port}"]}]}
                    for name, its_port in zip(folders, ports, strict=True)
                ],
            }
        )
    )
    with ExitStack() as stack:
        for its_port, metrics in zip(ports, folders.values(), strict=True):
            stack.enter_context(
                process(
                    tool("prometheus-node-exporter", "node_exporter"),
                    *(f"--web.listen-address=127.0.0.1:{its_port}", "--collector.disable-defaults"),
                    *("--collector.textfile", f"--collector.textfile.directory={metrics}"),
                )
            )
        stack.enter_context(
            process(
                tool("prometheus"),
                *(f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"),
                f"--web.listen-address=127.0.0.1:{port}",
            )
        )
        server = Prometheus(f"http://127.0.0.1:{port}")

        def has_evaluated() -> bool:
            try:
                groups = server.ask("rules")["groups"]
                up = [sample["value"][1] for sample in server.query("up")]
            except OSError:
                return False
            # Each folder has been read, and the rules have been evaluated since.
            seen = len(server.query("count by (job) (entity_metrics_run_exit_code)")) == len(folders)
            return up == ["1"] * len(folders) and seen and bool(groups[0]["evaluationTime"])

        wait_until(has_evaluated)
        time.sleep(4)
        yield server


def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", DEPLOY / "prometheus" / "alerts.yml")
    promtool("test", "rules", DEPLOY / "prometheus" / "alerts_test.yml")


def rules() -> list[dict]:
    return yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"][0]["rules"]


def test_each_alert_has_a_reason_a_section_in_the_runbook_and_tests_in_which_it_fires_and_does_not() -> None:
    cases = yaml.safe_load((DEPLOY / "prometheus" / "alerts_test.yml").read_text())["tests"]
    tested = [test for case in cases for test in case["alert_rule_test"]]
    for rule in rules():
        assert {"summary", "reason", "runbook"} == rule["annotations"].keys()
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        headings = re.findall("^## (.*)", (REPO / path).read_text(), re.M)
        assert anchor in [heading.lower().replace(" ", "-") for heading in headings]
        fires = [bool(test.get("exp_alerts")) for test in tested if test["alertname"] == rule["alert"]]
        assert set(fires) == {True, False}, rule["alert"]


def test_node_exporter_takes_the_files_together(prometheus: Prometheus) -> None:
    assert [sample["value"][1] for sample in prometheus.query("node_textfile_scrape_error")] == ["0"] * 3


def test_no_alert_fires_on_a_night_that_went_well(prometheus: Prometheus) -> None:
    assert prometheus.firing("green") == set()


def test_a_red_audit_raises_its_alerts(prometheus: Prometheus) -> None:
    assert prometheus.firing("red") == {("AuditFailed", "backfill"), ("JobFailed", "backfill")}


def test_keys_that_were_not_pushed_raise_their_alerts(prometheus: Prometheus) -> None:
    assert prometheus.firing("third") == {("KeysNotPushed", "push-entities"), ("JobFailed", "push-entities")}


def dashboard() -> dict:
    return json.loads((DEPLOY / "grafana" / "dashboard.json").read_text())


PANELS = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_each_panel_shows_what_the_jobs_write(prometheus: Prometheus, panel: dict) -> None:
    for target in panel["targets"]:
        series = prometheus.query(target["expr"].replace("$task", "backfill"))
        assert series, target["expr"]
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
            assert [one["metric"] for one in series if label not in one["metric"]] == []


def test_the_dashboard_shows_every_metric_that_jobs_write() -> None:
    text = json.dumps(dashboard())
    elsewhere = (DEPLOY / "prometheus" / "alerts.yml").read_text()
    names = [job_metrics.PREFIX + name for name in job_metrics.METRICS]
    assert [name for name in names if not re.search(rf"\b{name}\b", text + elsewhere)] == []
    assert set(re.findall(r"\bentity_metrics_\w+", text + elsewhere)) <= set(names)


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    """Grafana is in no package registry; what its importer needs is checked here."""
    board = dashboard()
    assert board["uid"] and board["title"] and board["schemaVersion"] >= 36
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["task"]["query"]["query"] == "label_values(entity_metrics_stage_duration_seconds, task)"
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        squares = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not squares & taken, panel["title"]
        taken |= squares
        assert panel["type"] in ("row", "stat", "timeseries")
        for target in panel.get("targets", []):
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


# The page ---------------------------------------------------------------------------------------------------------


def rows_below(heading: str) -> list[list[str]]:
    """The rows of the first table below a heading of docs/operations.md."""
    page = (REPO / "docs" / "operations.md").read_text().partition(f"\n## {heading}\n")[2]
    lines = [line for line in page.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_the_page_has_every_metric_as_it_is_written() -> None:
    expected = [
        [
            f"`{job_metrics.PREFIX}{name}`",
            "counter" if name.endswith("_total") else "gauge",
            ", ".join(f"`{label}`" for label in ("task", *metric.labels)),
            metric.help,
        ]
        for name, metric in job_metrics.METRICS.items()
    ]
    assert rows_below("Metrics") == expected


def test_the_page_has_every_alert_as_it_is_raised() -> None:
    expected = [[f"`{rule['alert']}`", rule["labels"]["severity"], rule["annotations"]["reason"]] for rule in rules()]
    assert rows_below("Alerts") == expected


def test_the_runbook_has_every_alert() -> None:
    runbook = (REPO / "docs" / "runbook.md").read_text()
    section = runbook.partition("\n## By alert\n")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(EntityMetrics\w+)` \|", section, re.M) == [rule["alert"] for rule in rules()]


def test_page_and_help_have_every_job_with_its_command() -> None:
    def command_of(job: str) -> str:
        words = (word for word in JOBS[job] if word != sys.executable)
        return shlex.join("dbt" if word == DBT else str(word).removeprefix(f"{REPO}/") for word in words)

    commands = [(job, command_of(job)) for job in JOBS]
    assert [(row[0].strip("`"), row[1].strip("`")) for row in rows_below("Jobs")] == commands
    shown = subprocess.run([sys.executable, REPO / "scripts" / "run_job.py", "--help"], text=True, capture_output=True)
    assert re.findall(r"^  ([a-z-]+)  +((?:dbt|scripts/).*)$", shown.stdout, re.M) == commands
