"""The commands of scripts/bench.py."""

import click

from benchmarks.jobs import jobs
from benchmarks.looking_up import lookup
from benchmarks.page import page
from benchmarks.pushing import redis


@click.group(invoke_without_command=True)
@click.option("--quick", is_flag=True, help="All of them, on next to no data: shows that they work, not how fast.")
@click.pass_context
def main(context: click.Context, quick: bool) -> None:
    """Benchmarks on servers of their own, below .sandbox/bench."""
    if quick and context.invoked_subcommand:
        raise click.UsageError(f"--quick runs all of them: leave out {context.invoked_subcommand}.")
    if quick:
        context.invoke(jobs, scales=(0.02,), rounds=1, settle=False)
        context.invoke(redis, entities=1_000, rounds=1, mode="populate")
        context.invoke(lookup, entities=2_000, events=10, look_ups=1)
    elif not context.invoked_subcommand:
        click.echo(context.get_help())


for command in (jobs, lookup, redis, page):
    main.add_command(command)
