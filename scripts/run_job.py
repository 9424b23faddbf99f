#!/usr/bin/env python
"""Run one of the project's jobs, and write metrics of it for Prometheus."""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from clickhouse_connect.driver.exceptions import ClickHouseError

import interrupts
import job_metrics
import targets

DBT, SCRIPTS = Path(sys.executable).with_name("dbt"), targets.REPOSITORY / "scripts"
PRESENT = "{parity: present}"
JOBS: dict[str, tuple[object, ...]] = {
    "backfill": (DBT, "build", "--select", "tag:backfill"),
    "reconcile": (DBT, "build", "--select", "tag:reconcile"),
    "marts": (DBT, "build", "--selector", "marts"),
    "push-entities": (sys.executable, SCRIPTS / "push_metrics.py", "entities"),
    "push-user-metrics": (sys.executable, SCRIPTS / "push_metrics.py", "user-metrics"),
    "push-user-reactions": (sys.executable, SCRIPTS / "push_metrics.py", "user-reactions"),
    # Beside a live application only the present agrees: history stays as it was published, while old rows go.
    "parity": (DBT, "test", "--selector", "parity", "--vars", PRESENT),
    "report": (sys.executable, SCRIPTS / "parity_report.py", "--vars", PRESENT),
}
# The parity report's exit codes are its verdict.
REPORTED = {0: "passed", 1: "failed"}


def run(command: Sequence[object], environment: dict[str, str]) -> int:
    """Run a command to its end. Returns its exit code; 128 and the signal's number where a signal ended it.

    A signal is for this process alone: the command has a process group of its own, and is told once. dbt is ended: at
    Ctrl-C it releases nothing, and takes long to show where it stood.
    """
    asked: list[int] = []
    started: list[subprocess.Popen] = []

    def tell(number: int) -> None:
        for process in started:
            process.send_signal(signal.SIGTERM if command[0] == DBT else number)

    def ask(number: int, _: object) -> None:
        if number == signal.SIGINT and command[0] == DBT and not asked:
            interrupts.say()
        asked.append(number)
        tell(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, ask)
    started.append(subprocess.Popen(list(map(str, command)), cwd=targets.REPOSITORY, env=environment, process_group=0))
    # What was asked before there was a process.
    for number in asked[:1]:
        tell(number)
    code = started[0].wait()
    if asked:
        return 128 + asked[0]
    return code if code >= 0 else 128 - code


def metrics_of(job: str, target: str, folder: Path, summary: Path, code: int) -> job_metrics.Values:
    """What there is to say of a run that has ended, however it did."""
    if job == "report":
        return job_metrics.with_verdict(REPORTED.get(code, "not_run"))
    if job.startswith("push"):
        return job_metrics.of_push(summary)
    try:
        results = job_metrics.Results(folder)
    except (FileNotFoundError, ValueError):
        # It was killed, or refused before it began.
        return {} if job == "marts" else job_metrics.with_verdict("not_run")
    values = job_metrics.of_dbt(job, results)
    try:
        values |= job_metrics.of_log(job, results, targets.clickhouse(target))
    except (click.ClickException, ClickHouseError) as error:
        click.echo(f"The metrics are without numbers of the log. {targets.one_line(error)}", err=True)
    return values


def write(file: Path, job: str, values: job_metrics.Values, code: int = 0) -> None:
    """Write the file of metrics. Where that fails, a command that has failed keeps its exit code."""
    try:
        job_metrics.write(file, job, values)
    except OSError as error:
        failure = click.ClickException(f"{file} cannot be written: {error}")
        failure.exit_code = code or failure.exit_code
        raise failure from None


@click.command(context_settings={"ignore_unknown_options": True})
@targets.target_option(envvar="DBT_TARGET", show_envvar=True)
@click.option(
    "--metrics",
    "directory",
    envvar="METRICS_DIRECTORY",
    show_envvar=True,
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    help="The folder of node_exporter's textfile collector.  [default: target/metrics]",
)
@click.argument("job", type=click.Choice(list(JOBS)), metavar="JOB")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def main(target: str, directory: Path | None, job: str, arguments: tuple[str, ...]) -> None:
    """Run a job, and write metrics of it to the file entity_metrics_JOB.prom, whether it succeeds or not.

    \b
    backfill             dbt build --select tag:backfill
    reconcile            dbt build --select tag:reconcile
    marts                dbt build --selector marts
    push-entities        scripts/push_metrics.py entities
    push-user-metrics    scripts/push_metrics.py user-metrics
    push-user-reactions  scripts/push_metrics.py user-reactions
    parity               dbt test --selector parity --vars '{parity: present}'
    report               scripts/parity_report.py --vars '{parity: present}'

    Further arguments are the command's own; --vars replaces what is shown. So is the exit code; 128 and the signal's
    number where a signal ended it.
    """
    folder = Path(os.environ.get("DBT_TARGET_PATH") or targets.REPOSITORY / "target").absolute() / job
    folder.mkdir(parents=True, exist_ok=True)
    if directory is None:
        directory = targets.REPOSITORY / "target" / "metrics"
        directory.mkdir(parents=True, exist_ok=True)
    file, summary = directory / f"entity_metrics_{job.replace('-', '_')}.prom", folder / "summary.json"
    try:
        before = job_metrics.read(file)
    except (ValueError, OSError) as error:
        raise click.ClickException(
            f"{file} cannot be read as metrics: {targets.one_line(error)}. Delete it; the time of the last success goes"
            " with it."
        ) from None
    # What another run has left is not this one's.
    for leftover in (summary, folder / "run_results.json"):
        leftover.unlink(missing_ok=True)

    began = time.time()
    started: job_metrics.Values = {("run_started_timestamp_seconds",): began}
    write(file, job, before | started)
    pushes = ("--summary", summary) if job.startswith("push") else ()
    # Jobs may run beside each other: each has files of dbt's to itself.
    environment = os.environ | {"DBT_TARGET_PATH": str(folder), "DBT_WRITE_JSON": "true"}
    # No colours in logs and mails.
    if not sys.stdout.isatty():
        environment.setdefault("DBT_USE_COLORS", "false")
    # Of a dbt that was ended, Python's helper would say that it leaks a semaphore.
    environment.setdefault("PYTHONWARNINGS", "ignore:resource_tracker:UserWarning")
    code = run((*JOBS[job], *arguments, "--target", target, *pushes), environment)
    ended = time.time()

    kept = {key: value for key, value in before.items() if key[0] in job_metrics.KEPT}
    success = {("run_last_success_timestamp_seconds",): ended} if code == 0 else {}
    of_run: job_metrics.Values = {
        ("run_ended_timestamp_seconds",): ended,
        ("run_duration_seconds",): ended - began,
        ("run_exit_code",): code,
    }
    said = metrics_of(job, target, folder, summary, code)
    write(file, job, kept | started | of_run | success | said, code)
    sys.exit(code)


if __name__ == "__main__":
    main()
