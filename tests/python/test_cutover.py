"""docs/cutover.md, followed: its commands run in the order of the page, beside an application that goes on."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import REPO, Sandbox, sandbox_command, start_sandbox, stop_sandbox
from parsed_project import wait_until

PAGE = (REPO / "docs" / "cutover.md").read_text()
BLOCK = re.compile(r"^### (\d+)|^```(console|diff)\n(.*?)^```$", re.M | re.S)
# What a week of the page is here.
SETTINGS = {"settle_lag: 300": "settle_lag: 5", "reconcile_limit: 0.01": "reconcile_limit: 0.1"}
# The tables are in use: it ends with what is in the way.
JUDGEMENT = "remove_legacy_tables"
RECONCILE = "dbt build --select tag:reconcile --target production"
# From here on the page compares what the application has recorded.
WATCH = 6


@dataclass
class Site:
    """Servers, a copy of the project as a deployment has it, and the application."""

    servers: Sandbox
    files: Path

    @property
    def environment(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, **self.servers.env, "DBT_PROFILES_DIR": str(self.servers.dir), "PATH": path}

    def run(self, command: str) -> str:
        line = ["bash", "-c", command]
        done = subprocess.run(
            line, cwd=self.files, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert (done.returncode != 0) == (JUDGEMENT in command), f"{command}\n{done.stdout}"
        return done.stdout

    def set(self, old: str, new: str) -> None:
        file = self.files / "dbt_project.yml"
        text = file.read_text()
        assert text.count(old) == 1, old
        file.write_text(text.replace(old, new))

    def start_application(self) -> tuple[subprocess.Popen, str]:
        """It runs until it is told to stop. Returns it, and the cutoff."""
        output = self.servers.dir / "application"
        command = [sys.executable, "-u", REPO / "scripts" / "sandbox.py", "live"]
        with output.open("w") as file:
            application = subprocess.Popen(command, env=self.environment, stdout=file, stderr=subprocess.STDOUT)
        wait_until(lambda: application.poll() is not None or "cutoff: " in output.read_text())
        assert application.poll() is None, output.read_text()
        return application, output.read_text().removeprefix("cutoff: ").strip()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    servers = start_sandbox(REPO / ".sandbox" / f"pytest-cutover-{os.getpid()}")
    try:
        sandbox_command({**os.environ, **servers.env}, "seed", "--scale", "0.02", "--no-live-events", "--no-catalog")
        servers.command("drop table default.entityMetricEvents sync")
        for name in subprocess.check_output(["git", "ls-files"], cwd=REPO, text=True).split():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, tmp_path / name)
        yield Site(servers, tmp_path)
    finally:
        stop_sandbox(servers)


def test_the_page_can_be_followed(site: Site) -> None:
    for old, new in SETTINGS.items():
        site.set(old, new)
    application, printed = None, {}
    try:
        for step, language, text in BLOCK.findall(PAGE):
            if step == str(WATCH):
                application.send_signal(signal.SIGTERM)
                assert application.wait() == 0
                # The nights of that week: reconcile takes back what it corrected before its event was there.
                assert site.servers.rows("select sleep(3), sleep(3)")
                site.run(RECONCILE)
            elif language == "diff":
                application, cutoff = site.start_application()
                (old,) = re.findall(r"^-  (.*)$", text, re.M)
                site.set(old, f'cutoff: "{cutoff}"')
                # Until the cutoff has settled.
                assert site.servers.rows("select sleep(3), sleep(3)")
            for command in re.findall(r"^\$ (.*)", text, re.M):
                printed[command] = site.run(command)
    finally:
        if application and application.poll() is None:
            application.kill()
    said = {command.split(" --target")[0]: output for command, output in printed.items()}
    assert "No run is at work." in said["dbt run-operation backfill_status"]
    assert re.search(r"None of \d+ metrics differ", said["scripts/parity_report.py"])
    assert "0 differ, 0 missing" in said["scripts/push_metrics.py entities"]
    assert "The legacy tables cannot be removed yet." in said[f"dbt run-operation {JUDGEMENT}"]
    # The application did record, and rows did change that only reconcile could make up for.
    live = "select uniqExact(metricType), countIf(metricValue < 0) from default.entityMetricEvents where userId > 0"
    metrics, withdrawn = site.servers.rows(f"{live} and createdAt >= now() - interval 1 hour")[0]
    assert metrics > 5
    assert withdrawn > 5
