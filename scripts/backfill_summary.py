#!/usr/bin/env python
"""Print what the backfill has put into the event log: per entity type the metrics, events, entities and seconds."""

import csv
import io
import json
from pathlib import Path

import click

from connect_postgres import clickhouse_from_environment
from sandbox_lib import settings
from sandbox_lib.clickhouse_http import execute

RUN_RESULTS = settings.REPOSITORY / "target" / "run_results.json"

# A model's seconds are shared among its entity types by their events.
SUMMARY = """
with published as (
    select
        model,
        entity_type,
        uniqExact(metric_type) as metrics,
        sum(rows) as events
    from metric_publications
    where
        event_log = {event_log:String}
        and state = 'published'
        and partition_id = ''
    group by
        model,
        entity_type
),

entities as (
    select
        entityType as entity_type,
        uniqExact(entityId) as entities
    from {database:Identifier}.{table:Identifier}
    where (entityType, metricType) in (select entity_type, metric_type from metric_publications where state = 'published')
    group by entity_type
)

select
    entity_type,
    sum(metrics),
    sum(events),
    any(entities),
    sum(seconds * events / model_events)
from (
    select
        *,
        sum(events) over (partition by model) as model_events,
        {seconds:Map(String, Float64)}[model] as seconds
    from published
)
inner join entities using (entity_type)
group by entity_type
order by entity_type
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
    answer = execute(
        server,
        SUMMARY,
        database=database,
        param_event_log=event_log,
        param_database=log_database,
        param_table=log_table,
        param_seconds="{" + seconds + "}",
    )
    rows = list(csv.reader(io.StringIO(answer)))
    totals = ["all", *(sum(float(row[column]) for row in rows) for column in range(1, 5))]
    click.echo(f"{'entity type':<14}{'metrics':>8}{'events':>12}{'entities':>12}{'seconds':>9}")
    for entity_type, metrics, events, entities, taken in [*rows, totals]:
        click.echo(f"{entity_type:<14}{int(metrics):>8}{int(events):>12,}{int(entities):>12,}{float(taken):>9.1f}")


if __name__ == "__main__":
    main()
