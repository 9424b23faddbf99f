"""A project whose dbt is imported and parsed once, and forked for each run.

A plain dbt command spends most of its time on imports and parsing, before its first statement, and a protocol takes
many runs to show. The forks are processes like those of the command line: each has an invocation id, a process group
and an exit code of its own, and can be killed.
"""

from __future__ import annotations

import gc
import itertools
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from conftest import LOG, PARSED, Project
from event_log_checks import statements_of

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


@dataclass
class Run:
    """A dbt run in a process of its own, perhaps still going on."""

    pid: int
    log: Path
    exit_code: int | None = None

    def wait(self) -> int:
        if self.exit_code is None:
            self.exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.exit_code

    def has_ended(self) -> bool:
        if self.exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.exit_code = os.waitstatus_to_exitcode(status) if pid else None
        return self.exit_code is not None

    def kill(self) -> None:
        """As kill -9 does, of the whole process group. What it has asked of the server goes on there."""
        if not self.has_ended():
            os.killpg(self.pid, signal.SIGKILL)
            self.wait()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It does nothing meanwhile, unless it has ended. What it has asked of the server goes on there."""
        if self.has_ended():
            yield
            return
        os.killpg(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.pid, signal.SIGCONT)

    @property
    def output(self) -> str:
        return self.log.read_text()


def parse(project: Project, *options: str) -> Manifest:
    """Parses the project as it is for this project's database and vars, and prepares what forks can share."""
    import dbt.adapters.clickhouse.httpclient
    import dbt.task.build  # noqa: F401
    import dbt_common.clients.agate_helper  # noqa: F401
    from dbt.cli.main import dbtRunner
    from dbt_common.clients.jinja import template_cache

    # The locks that dbt makes are inherited by the forks; that killed ones do not give them back is meant.
    quiet = {"PYTHONWARNINGS": "ignore:resource_tracker:UserWarning"}
    with mock.patch.dict(os.environ, {**project.environment(), **quiet}):
        parsed = dbtRunner().invoke(project.command_line("parse", *options)[1:])
    assert parsed.success, parsed.exception
    # What each fork would do again: import what runs models, compile macros, and prepare what selects nodes.
    for macro in parsed.result.macros.values():
        template_cache.get_node_template(macro)
    with mock.patch.dict(os.environ, {**project.environment(), "DBT_LOG_LEVEL": "none"}):
        assert dbtRunner(manifest=parsed.result).invoke(project.command_line("ls", "--select", "tag:tag")[1:]).success
    # All that is there by now stays, so the forks' garbage collectors need not look at it and copy its pages.
    gc.collect()
    gc.freeze()
    return parsed.result


def fork(main: Callable[[], int], log: Path) -> Run:
    """Starts a process that does what main says, writes to the log, and ends with the exit code that main returns."""
    log.touch()
    pid = os.fork()
    if pid == 0:
        # The forked process; it must never return into pytest.
        exit_code = 2
        try:
            os.setpgid(0, 0)
            output = os.open(log, os.O_WRONLY | os.O_APPEND)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.stdout = os.fdopen(1, "w", buffering=1)
            sys.stderr = os.fdopen(2, "w", buffering=1)
            exit_code = main() or 0
            sys.stdout.flush()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(exit_code)
    # Both sides do it, so that it is done whoever comes first.
    os.setpgid(pid, pid)
    return Run(pid, log)


@dataclass
class ParsedProject(Project):
    """Its runs take a second where those of the command line take ten."""

    manifest: Manifest | None = None
    numbers: itertools.count = field(default_factory=itertools.count)

    def start(self, *args: str, **vars: object) -> Run:
        """Starts dbt with the options given, and lets it run."""
        folder = self.target / f"run-{next(self.numbers)}"
        folder.mkdir()
        command = [*self.command_line(*args, **vars)[1:], "--target-path", str(folder), "--log-path", str(folder)]
        return fork(lambda: self._run(command), folder / "output")

    @contextmanager
    def asleep_after(self, statement: str, *args: str) -> Iterator[Run]:
        """A run that is paused while the server is at a statement with this text in it, and sleeps on after its end."""
        run = self.start(*args)
        wait_until(lambda: statements_of(self.sandbox, statement))
        with run.paused():
            wait_until(lambda: not statements_of(self.sandbox, statement))
            yield run

    def environment(self) -> dict[str, str]:
        # Half of what threads wait for is the file with each statement; tests that read it ask by --log-level-file.
        return {**super().environment(), "DBT_LOG_LEVEL_FILE": "none"}

    def change(self, path: str, old: str, new: str) -> None:
        """Changes one of the files that are its own, and parses what that changes."""
        file = self.files / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        self.manifest = parse(self)

    def own_manifest(self) -> Manifest:
        """The manifest with this project's database. It is changed in place: for forks only."""
        if self.database != PARSED:
            for node in (*self.manifest.nodes.values(), *self.manifest.sources.values()):
                node.schema = re.sub(f"^{PARSED}", self.database, node.schema)
                node.relation_name = re.sub(f"^`{PARSED}", f"`{self.database}", node.relation_name or "") or None
            log = self.manifest.sources["source.entity_metrics.event_log.entityMetricEvents"]
            log.schema, log.identifier = self.vars.get("event_log", self.event_log).split(".")
            log.relation_name = f"`{log.schema}`.`{log.identifier}`"
            self.manifest.build_flat_graph()
        return self.manifest

    def _run(self, command: list[str]) -> int:
        from dbt.cli.main import dbtRunner

        os.environ.update(self.environment())
        return 0 if dbtRunner(manifest=self.own_manifest()).invoke(command).success else 1

    def dbt(self, *args: str, fails: bool = False, **vars: object) -> str:
        run = self.start(*args, **vars)
        assert run.wait() == (1 if fails else 0), run.output
        return run.output

    def run(self, *models: str, fails: bool = False, options: tuple[str, ...] = (), **vars: object) -> str:
        """Runs the models given, and nothing that they are made from."""
        return self.dbt("run", "--select", *models, *options, fails=fails, **vars)

    def publish(self, *models: str, fails: bool = False, options: tuple[str, ...] = (), **vars: object) -> str:
        """Publishes the events of the events models given, from what is landed."""
        return self.run(*models, *LOG, fails=fails, options=options, **vars)

    def start_publishing(self, *models: str, **vars: object) -> Run:
        return self.start("run", "--select", *models, *LOG, **vars)


def wait_until(condition, seconds: float = 60) -> None:
    """Looks again and again until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.005)
