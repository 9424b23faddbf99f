"""The commands of scripts/bench.py."""

import click

from benchmarks.jobs import jobs
from benchmarks.looking_up import look_up, lookup, totals
from benchmarks.memory import memory
from benchmarks.page import page
from benchmarks.pushing import push, redis


@click.group(invoke_without_command=True)
@click.option("--quick", is_flag=True, help="Run every benchmark on next to no data, to see that it works.")
@click.pass_context
def main(context: click.Context, quick: bool) -> None:
    """Benchmarks on servers of their own, below .sandbox/bench."""
    if quick and context.invoked_subcommand:
        raise click.UsageError(f"--quick runs all of them: leave out {context.invoked_subcommand}.")
    if quick:
        context.invoke(jobs, scales=(0.02,), rounds=1, settle=False)
        context.invoke(memory, scale=0.02, limit=300)
        with totals(entities := 2_000, events := 10) as client:
            look_up(client, entities, events, look_ups=1)
            push(client, entities, rounds=1, mode="populate")
    elif not context.invoked_subcommand:
        click.echo(context.get_help())


for command in (jobs, memory, lookup, redis, page):
    main.add_command(command)
