#!/usr/bin/env python
"""Print what the event log holds of the backfill: per entity type the metrics, events and entities."""

import csv
import io

import click

from connect_postgres import clickhouse_from_environment
from sandbox_lib.clickhouse_http import ClickHouseError, execute

SUMMARY = """
select
    if(grouping(entityType) = 1, 'all', toString(entityType)) as entity_type,
    uniqExact(entityType, metricType) as metrics,
    count() as events,
    uniqExact(entityType, entityId) as entities
from published_events
group by grouping sets ((entityType), ())
order by
    grouping(entityType),
    entity_type
format CSV
"""


@click.command()
def main() -> None:
    """Print per entity type what the view published_events holds: the backfilled events that are in the log."""
    server, database = clickhouse_from_environment()
    try:
        answer = execute(server, SUMMARY, database=database)
    except ClickHouseError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{'entity type':<14}{'metrics':>8}{'events':>12}{'entities':>12}")
    for entity_type, metrics, events, entities in csv.reader(io.StringIO(answer)):
        click.echo(f"{entity_type:<14}{int(metrics):>8}{int(events):>12,}{int(entities):>12,}")


if __name__ == "__main__":
    main()
