#!/usr/bin/env python
"""Print the backfilled events in the event log by entity type: metrics, events and entities."""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import click

import targets

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
"""


@click.command()
@targets.target_option()
def main(target: str) -> None:
    """Print the backfilled events in the log (the view published_events) by entity type."""
    with targets.clickhouse(target) as client, targets.server_errors(target):
        rows = client.query(SUMMARY).result_rows
    click.echo(f"{'entity type':<14}{'metrics':>8}{'events':>12}{'entities':>12}")
    for entity_type, metrics, events, entities in rows:
        click.echo(f"{entity_type:<14}{metrics:>8}{events:>12,}{entities:>12,}")
    click.echo(targets.clickhouse_address(target))


if __name__ == "__main__":
    main()
