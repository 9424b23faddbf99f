"""The commands of scripts/sandbox.py."""

import shlex
import subprocess
import sys
import time
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from sandbox import clickhouse, clickhouse_2, postgres, processes, profiles, settings, valkey
from sandbox.settings import HOST, Sandbox

SERVERS = {"postgres": postgres, "clickhouse": clickhouse, "valkey": valkey}
OF_A_CLUSTER = {"clickhouse_2": clickhouse_2}


def port_option(server: str) -> Callable[..., Any]:
    """The option that names the port of one server."""
    return click.option(
        f"--{server}-port",
        type=click.IntRange(1, 65535),
        envvar=f"SANDBOX_{server.upper()}_PORT",
        help=f"Port of {server} (default {settings.DEFAULT_PORTS[server]}, or the one it already runs on).",
    )


@click.group()
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="SANDBOX_DIR",
    default=settings.DEFAULT_DIRECTORY,
    help="Folder that holds everything: data, logs, state (default: .sandbox in the repository).",
)
@port_option("postgres")
@port_option("clickhouse")
@port_option("valkey")
@click.pass_context
def main(context: click.Context, directory: Path, **ports: int | None) -> None:
    """Run PostgreSQL, ClickHouse and Valkey for this repository; everything lives in one folder."""
    directory = directory.resolve()
    state = processes.read_state(directory)
    recorded = {server: record["port"] for server, record in state.items()}
    chosen = {
        server: ports[f"{server}_port"] or recorded.get(server) or default
        for server, default in settings.DEFAULT_PORTS.items()
    }
    native = {server: record["native_port"] for server, record in state.items() if record.get("native_port")}
    context.obj = Sandbox(directory, recorded | chosen, native)


def servers_of(sandbox: Sandbox) -> dict[str, ModuleType]:
    """The servers that a sandbox has, by name."""
    return SERVERS | OF_A_CLUSTER if sandbox.native_ports else SERVERS


@main.command()
@click.option(
    "--clickhouse-timezone", help="Time zone of the ClickHouse server (default UTC), to test that it changes nothing."
)
@click.option(
    "--clickhouse-memory-limit", type=click.IntRange(min=1), help="Bytes of memory that ClickHouse may use in all."
)
@click.option(
    "--cluster",
    is_flag=True,
    help=f"Start a second ClickHouse as well: both are shards of a cluster called {settings.CLUSTER}.",
)
@click.pass_obj
def up(sandbox: Sandbox, clickhouse_timezone: str | None, clickhouse_memory_limit: int | None, cluster: bool) -> None:
    """Start the servers that do not run. Missing databases, roles and source tables are created."""
    # A slim system has no list of time zones; the engine has its own.
    known_timezones = zoneinfo.available_timezones() or {clickhouse_timezone}
    if clickhouse_timezone and clickhouse_timezone not in known_timezones | {"UTC"}:
        raise click.ClickException(
            f"--clickhouse-timezone {clickhouse_timezone!r} is no time zone. Try America/Denver or UTC."
        )
    with processes.locked(sandbox.directory):
        sandbox.logs.mkdir(exist_ok=True)
        state = processes.read_state(sandbox.directory)
        if cluster and not sandbox.native_ports:
            if processes.find(state.get("clickhouse")):
                raise click.ClickException("clickhouse already runs, and not as a cluster. Run `down` first.")
            drawn = processes.free_ports(len(settings.NODES) + len(OF_A_CLUSTER))
            sandbox.native_ports.update(zip(settings.NODES, drawn, strict=False))
            sandbox.ports.update(zip(OF_A_CLUSTER, drawn[len(settings.NODES) :], strict=True))
        servers = servers_of(sandbox)
        running = {server for server in servers if processes.find(state.get(server))}
        # A crashed server comes back as it was started.
        last = state.get("clickhouse", {})
        options = {
            "timezone": clickhouse_timezone or last.get("timezone") or settings.CLICKHOUSE_TIMEZONE,
            "memory_limit": clickhouse_memory_limit or last.get("memory_limit"),
        }
        refuse_changes(sandbox, {server: state[server] for server in running}, options)
        refuse_taken_ports(sandbox, [server for server in servers if server not in running])
        profiles.write(sandbox)
        started = []
        try:
            for server, module in servers.items():
                if server not in running:
                    given = options if server in settings.NODES else {}
                    native = {"native_port": sandbox.native_ports.get(server)} if given else {}
                    with processes.uninterrupted():
                        record = {"port": sandbox.ports[server]} | given | native
                        state[server] = module.start(sandbox, **given) | record
                        started.append(server)
                        processes.write_state(sandbox.directory, state)
            for server in started:
                log = sandbox.logs / f"{server}.log"
                processes.wait_until_ready(
                    server, state[server], lambda server=server: servers[server].answers(sandbox), log
                )
            postgres.set_up(sandbox)
            with clickhouse.client(sandbox) as client:
                # Late, like all that imports ClickHouse's client.
                import connect_postgres

                clickhouse.set_up(client)
                reader = settings.reader(sandbox) | {"schema": connect_postgres.SCHEMA}
                connect_postgres.connect(client, connect_postgres.COLLECTION, reader)
        except BaseException:
            for server in started:
                processes.stop(state.pop(server), servers[server].STOP_SIGNAL)
            processes.write_state(sandbox.directory, state)
            raise
        for server, module in servers.items():
            verb = "already runs" if server in running else "started"
            click.echo(f"{server:<10} {module.answers(sandbox):<10} {verb} on {HOST}:{sandbox.ports[server]}")


def refuse_changes(sandbox: Sandbox, running: processes.State, options: dict[str, str | int | None]) -> None:
    """A running server cannot change its port, time zone or memory limit."""
    for server, record in running.items():
        if record["port"] != sandbox.ports[server]:
            raise click.ClickException(
                f"{server} already runs on port {record['port']}, not on {sandbox.ports[server]}. Run `down` first, or "
                f"drop --{server}-port and the variables that name another port."
            )
    for name, wanted in options.items():
        if "clickhouse" in running and running["clickhouse"][name] != wanted:
            has = running["clickhouse"][name]
            raise click.ClickException(f"clickhouse already runs with {name} {has}, not {wanted}. Run `down` first.")


def refuse_taken_ports(sandbox: Sandbox, servers: list[str]) -> None:
    """Name every port that cannot be had before anything is started."""
    problems = []
    for server in servers:
        port = sandbox.ports[server]
        if sharing := [other for other in sandbox.ports if other != server and sandbox.ports[other] == port]:
            problems.append(
                f"Port {port} is wanted by {server} and by {sharing[0]}. Choose another with --{server}-port."
            )
        elif not processes.port_is_free(port):
            problems.append(f"Port {port}, wanted by {server}, is taken. Choose another with --{server}-port.")
    if problems:
        raise click.ClickException("\n".join(problems))


@main.command("profiles")
@click.pass_obj
def write_profiles(sandbox: Sandbox) -> None:
    """Write profiles.yml as `up` does, and start nothing. Enough for what dbt does without servers."""
    profiles.write(sandbox)


@main.command()
@click.option(
    "--scale",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="1 is about a million source rows.",
)
@click.option(
    "--random-seed",
    type=click.IntRange(0, 2**31 - 1),
    default=1,
    show_default=True,
    help="The same seed gives the same rows.",
)
@click.option(
    "--catalog/--no-catalog",
    default=True,
    show_default=True,
    help="Whether to run dbt seed as well. dbt test needs it; it takes some seconds at any scale.",
)
@click.option(
    "--live-events/--no-live-events",
    default=True,
    show_default=True,
    help="Whether the event log holds what the application has recorded since the cutoff of dbt_project.yml.",
)
@click.option("--verbose", is_flag=True, help="Print each step with its seconds.")
@click.pass_obj
def seed(sandbox: Sandbox, scale: float, random_seed: int, catalog: bool, live_events: bool, verbose: bool) -> None:
    """Fill the servers with a made-up community.

    PostgreSQL and ClickHouse get its rows, and dbt seed loads the metric catalog. It replaces everything: source rows,
    event log, and what dbt has built from them.
    """
    state = processes.read_state(sandbox.directory)
    if missing := [server for server in ("postgres", "clickhouse") if not processes.find(state.get(server))]:
        raise click.ClickException(f"{' and '.join(missing)} must run first: sandbox.py up.")
    from sandbox.seed import seed as fill

    began = time.monotonic()
    echo = click.echo if verbose else lambda _: None
    with clickhouse.client(sandbox) as client:
        clickhouse.empty_models(client)
        fill(scale, random_seed, sandbox.postgres_dsn, client, echo, live_events=live_events)
    postgres.set_up(sandbox)
    if catalog:
        folder = sandbox.directory / "dbt"
        command = [Path(sys.executable).with_name("dbt"), "--quiet", "--no-write-json", "seed", "--target", "sandbox"]
        command += ["--profiles-dir", sandbox.directory, "--target-path", folder, "--log-path", folder]
        done = subprocess.run(command, cwd=settings.REPOSITORY, capture_output=True, text=True)
        if done.returncode:
            raise click.ClickException(f"dbt seed failed:\n{done.stdout}{done.stderr}")
    click.echo(f"seeded at scale {scale:g} in {time.monotonic() - began:.1f} s")


@main.command()
@click.option("--event-log", default="default.entityMetricEvents", show_default=True, help="The log to record into.")
@click.pass_obj
def live(sandbox: Sandbox, event_log: str) -> None:
    """Be the application, until interrupted.

    It prints a cutoff, changes rows, and records their events.
    """
    from sandbox.live import live

    with clickhouse.client(sandbox) as client:
        live(sandbox.postgres_dsn, client, event_log)


@main.command()
@click.pass_obj
def status(sandbox: Sandbox) -> None:
    """Print for each server whether it runs and answers. Exit code 1: not all do."""
    state = processes.read_state(sandbox.directory)
    healthy = True
    for server, module in servers_of(sandbox).items():
        record, where = state.get(server), f"{HOST}:{sandbox.ports[server]}"
        if record is None:
            condition = "not started"
        elif processes.find(record) is None:
            log = sandbox.logs / f"{server}.log"
            condition = f"crashed (was pid {record['pid']}; see {log}, and run `up` to restart it)"
        else:
            try:
                click.echo(f"{server:<10} {module.answers(sandbox):<10} runs on {where}, pid {record['pid']}")
                continue
            except Exception as error:
                condition = f"runs as pid {record['pid']} but does not answer on {where}: {error}"
        healthy = False
        click.echo(f"{server:<10} {condition}")
    if not healthy:
        raise SystemExit(1)


@main.command()
@click.pass_obj
def env(sandbox: Sandbox) -> None:
    """Print the variables that lead to the sandbox, as export lines."""
    for name, value in settings.environment(sandbox).items():
        click.echo(f"export {name}={shlex.quote(value)}")


@main.command()
@click.pass_obj
def down(sandbox: Sandbox) -> None:
    """Stop what `up` started, and nothing else; the data stays."""
    if not sandbox.directory.exists():
        click.echo("nothing runs")
        return
    with processes.locked(sandbox.directory):
        state = processes.read_state(sandbox.directory)
        if not state:
            click.echo("nothing runs")
        for server, module in reversed((SERVERS | OF_A_CLUSTER).items()):
            if server in state:
                was_running = processes.find(state[server]) is not None
                processes.stop(state[server], module.STOP_SIGNAL)
                del state[server]
                processes.write_state(sandbox.directory, state)
                click.echo(f"{server:<10} {'stopped' if was_running else 'had already ended'}")
        processes.kill_leftovers(postgres.PROCESS_NAME, postgres.data_folder(sandbox))
