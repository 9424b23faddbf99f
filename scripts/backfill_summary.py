#!/usr/bin/env python
"""Print what the backfill has put into the event log: per entity type the metrics, events, entities and seconds."""

import csv
import io
import json
from pathlib import Path

import click

from connect_postgres import clickhouse_from_environment
from sandbox_lib import settings
from sandbox_lib.clickhouse_http import ClickHouseError, execute

RUN_RESULTS = settings.REPOSITORY / "target" / "run_results.json"

# A model's seconds are shared among its entity types by their events.
SUMMARY = """
with published as (
    select
        model,
        entity_type,
        metric_type,
        sum(rows) as events,
        max(window_end) as until
    from metric_publications
    where
        event_log = {event_log:String}
        and state = 'published'
        and partition_id = ''
    group by
        model,
        entity_type,
        metric_type
),

shared as (
    select
        entity_type,
        events,
        {seconds:Map(String, Float64)}[model] * events / sum(events) over (partition by model) as seconds
    from published
),

entities as (
    select
        entityType as entity_type,
        uniqExact(entityId) as entities
    from {database:Identifier}.{table:Identifier} as log
    inner join published on log.entityType = published.entity_type and log.metricType = published.metric_type
    where createdAt < until
    group by entity_type
)

select
    shared.entity_type,
    count() as metrics,
    sum(shared.events) as events,
    any(entities.entities) as entities,
    sum(shared.seconds) as seconds
from shared
inner join entities on shared.entity_type = entities.entity_type
group by shared.entity_type
order by shared.entity_type
format CSV
"""


def model_seconds(run_results: Path) -> dict[str, float]:
    """How long each model took in the last dbt run."""
    results = json.loads(run_results.read_text())["results"]
    return {result["unique_id"].split(".")[-1]: result["execution_time"] for result in results}


@click.command()
@click.option(
    "--event-log", default="default.entityMetricEvents", show_default=True, help="The log, <database>.<table>."
)
@click.option(
    "--run-results",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    default=RUN_RESULTS,
    help="Where dbt left the timings of its last run (default: target/run_results.json).",
)
def main(event_log: str, run_results: Path) -> None:
    """Print per entity type what the ledger says is published, and the seconds that the last run took for it."""
    server, database = clickhouse_from_environment()
    log_database, log_table = event_log.split(".")
    seconds = ", ".join(f"'{model}': {taken:.3f}" for model, taken in model_seconds(run_results).items())
    try:
        answer = execute(
            server,
            SUMMARY,
            database=database,
            param_event_log=event_log,
            param_database=log_database,
            param_table=log_table,
            param_seconds="{" + seconds + "}",
        )
    except ClickHouseError as error:
        raise click.ClickException(str(error)) from None
    rows = list(csv.reader(io.StringIO(answer)))
    totals = ["all", *(sum(float(row[column]) for row in rows) for column in range(1, 5))]
    click.echo(f"{'entity type':<14}{'metrics':>8}{'events':>12}{'entities':>12}{'seconds':>9}")
    for entity_type, metrics, events, entities, taken in [*rows, totals]:
        click.echo(f"{entity_type:<14}{int(metrics):>8}{int(events):>12,}{int(entities):>12,}{float(taken):>9.1f}")


if __name__ == "__main__":
    main()
