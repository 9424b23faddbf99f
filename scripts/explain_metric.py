#!/usr/bin/env python
"""Explain why a metric is what it is: its rule, what it reads, its query, and for one entity the rows and events."""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import difflib
import json
import re
from typing import TYPE_CHECKING, NamedTuple

import click

import dbt_sql
import targets
from project import CATALOG, catalog, events_model, sources_of
from wording import how_many

if TYPE_CHECKING:
    from clickhouse_connect.driver import Client

LOG_TYPE = "select toTypeName(any(createdAt)) from (select createdAt from audited_events limit 0)"

# Both sides of a comparison: the query's events before the cutoff (all of them with parity: present), and the log's.
# Both have one type, with no more digits of a second than the log keeps.
SIDES = """
with expected as (
    select
        toInt64(userId) as userId,
        toInt64(metricValue) as metricValue,
        toDateTime64(createdAt::{log_type}, 3, 'UTC') as createdAt
    from (
        {query}
    )
    where
        entityId = {entity_id:Int64}
        and ({parity:String} = 'present' or createdAt < toDateTime64({cutoff:String}, 3, 'UTC'))
),

logged as (
    select
        toInt64(userId) as userId,
        toInt64(metricValue) as metricValue,
        toDateTime64(createdAt, 3, 'UTC') as createdAt,
        {parity:String} != 'present' and createdAt >= toDateTime64({cutoff:String}, 3, 'UTC')::{log_type} as is_live
    from audited_events
    where
        entityType = {entity_type:String}
        and entityId = {entity_id:Int64}
        and metricType = {metric_type:String}
),

events as (
    select
        userId,
        metricValue,
        createdAt,
        expected.events as expected,
        logged.events as in_log,
        multiIf(
            is_live, 'live',
            expected > in_log, 'missing in the log',
            expected < in_log, 'not expected',
            ''
        ) as remark
    from (select *, count() as events from expected group by all) as expected
    full outer join (select *, count() as events from logged group by all) as logged
        using (userId, metricValue, createdAt)
)
"""

EVENTS = """
select *
from events
order by remark = 'live', remark = '', createdAt, userId, metricValue
"""

TOTALS = """
select
    sumIf(metricValue * expected, remark != 'live') as expected_total,
    sum(expected) as expected_events,
    sumIf(metricValue * in_log, remark != 'live') as before_total,
    sumIf(in_log, remark != 'live') as before_events,
    sumIf(metricValue * in_log, remark = 'live') as live_total,
    sumIf(in_log, remark = 'live') as live_events,
    countIf(remark not in ('', 'live')) as different
from events
"""


class Metric(NamedTuple):
    """A metric as it is looked up, with its queries as dbt compiles them."""

    catalog: dict[str, str]
    graph: dict
    model: dict
    query: str
    rows_query: str
    about: dict

    @property
    def name(self) -> str:
        """Entity type and metric type, as people and models say it."""
        return f"{self.catalog['entity_type']} {self.catalog['metric_type']}"


def catalog_row(entity_type: str, metric_type: str) -> dict[str, str]:
    """The metric's row of the catalog; an unknown metric is an error that lists its likes."""
    rows = {f"{row['entity_type']} {row['metric_type']}": row for row in catalog()}
    asked = f"{entity_type} {metric_type}"
    if asked in rows:
        return rows[asked]
    names = {name.lower(): name for name in rows}
    near = [names[name] for name in difflib.get_close_matches(asked.lower(), names, n=5)]
    likes = f"Did you mean {', '.join(near)}?" if near else f"All of them are in {CATALOG.name}."
    raise click.ClickException(f"There is no metric {asked}. {likes}")


def look_up(target: str, entity_type: str, metric_type: str, variables: str, reads_log: bool) -> Metric:
    """Have dbt compile the metric's queries. Unless the log is read, too, no server is asked."""
    row = catalog_row(entity_type, metric_type)
    arguments = f"('{entity_type}', '{metric_type}')"
    parts = [f"metric_query{arguments}", f"metric_rows_query{arguments}", "parity_settings()"]
    try:
        project = dbt_sql.Project(target, variables, dbt_sql.parse(target, variables))
        model = project.graph["nodes"][events_model(row)]
        query, rows_query, about = project.render(parts, model["depends_on"]["nodes"], introspect=reads_log)
    except dbt_sql.DbtError as error:
        raise click.ClickException(f"{entity_type} {metric_type} cannot be compiled. dbt says: {error}") from None
    return Metric(row, project.graph, model, query, rows_query, json.loads(about))


def names_read(query: str, relation: str) -> set[str]:
    """The words of a query that may be columns of a relation: those behind its alias, or else in the same select."""
    names = set()
    for match in re.finditer(re.escape(relation) + r"(?: as (\w+))?", query):
        if alias := match.group(1):
            names |= set(re.findall(rf"\b{alias}\.(\w+)", query))
        else:
            before = re.sub(r"\(\s*select [^()]*\)", "", query[: match.start()])
            names |= set(re.findall(r"\w+", before[before.rindex("select") :]))
            names |= set(re.findall(r"\w+", re.match(r"[^()]*", query[match.end() :]).group()))
    return names


def heading(text: str) -> None:
    """A title above a part of the explanation."""
    click.echo(f"\n── {text}")


def explain_rule(metric: Metric) -> None:
    """Print the catalog's row, the columns that are read, and the query."""
    heading(f"{metric.name}: the catalog")
    for name, value in metric.catalog.items():
        click.echo(f"{name:<15} {value or '-'}")
    heading("What it reads")
    for relation, source in sources_of(metric.graph, metric.model).items():
        if names := names_read(metric.query, relation):
            click.echo(f"{source['source_name']}.{source['name']}: {source['description']}")
            for name, column in source["columns"].items():
                if name in names:
                    click.echo(f"    {name:<15} {column['data_type']:<40} {column['description']}")
    heading(f"Its query, from {metric.model['original_file_path']}")
    click.echo(metric.query)


def sides(client: "Client", query: str) -> str:
    """Both sides of the comparison of a metric's query with the log, as CTEs."""
    return SIDES.replace("{query}", query).replace("{log_type}", client.query(LOG_TYPE).first_row[0])


def parameters(about: dict, row: dict[str, str], entity_id: int) -> dict[str, object]:
    """What a metric's queries are asked with for one entity."""
    return {
        "entity_type": row["entity_type"],
        "metric_type": row["metric_type"],
        "entity_id": entity_id,
        "cutoff": about["entity_types"][row["entity_type"]]["cutoff"],
        "parity": about["parity"],
    }


def explain_entity(client: "Client", metric: Metric, entity_id: int, limit: int) -> None:
    """Print the entity's source rows and events, expected and found, and whether the totals are the same."""
    settings = {"output_format_pretty_color": 0, "output_format_pretty_row_numbers": 0}
    given = parameters(metric.about, metric.catalog, entity_id)

    def table(query: str) -> bool:
        rows = client.query(f"select count() from (\n{query}\n)", given).first_row[0]
        limited = f"select * from (\n{query}\n) limit {limit}"
        first = client.raw_query(limited, given, settings, "PrettyCompactMonoBlock").decode().rstrip()
        click.echo(first if rows else "none")
        if rows > limit:
            click.echo(f"… and {rows - limit:,} more: --limit {rows} shows them")
        return rows > 0

    both = sides(client, metric.query)
    name = f"{metric.catalog['entity_type']} {entity_id}"
    heading(f"Source rows of {name}")
    has_rows = table(metric.rows_query)
    when = "of the present" if given["parity"] == "present" else "before the cutoff"
    heading(f"Events of {name}: the query's {when}, and those in {metric.about['event_log']}")
    has_events = table(both + EVENTS)
    heading("Totals")
    if has_rows or has_events:
        print_totals(client.query(both + TOTALS, given).first_item, given)
        if retired := metric.about["log_alone"].get(metric.name):
            click.echo(f"{retired} is retired: its rows are those landed last, and the total in the log is the truth.")
    else:
        click.echo(f"{name} has neither source rows nor events of {metric.name}.")


def print_totals(totals: dict[str, int], given: dict[str, object]) -> None:
    """Print the three totals, and whether the two that should be the same are."""
    if given["parity"] == "present":
        click.echo("All events count (parity: present).")
    else:
        click.echo(f"Events before {given['cutoff']} UTC are the backfill's, from it on live tracking's.")
    for name, label in {"expected": "expected", "before": "in the log", "live": "live"}.items():
        click.echo(f"{label:<11}{totals[f'{name}_total']:>12,} in {how_many(totals[f'{name}_events'], 'event')}")
    total = totals["before_total"] - totals["expected_total"]
    verdict = f"differs by {total:+,}" if total else "equal"
    # Totals may agree although events differ.
    different = f"; events that are not the same: {totals['different']:,}" if totals["different"] else ""
    click.echo(verdict + different)


@click.command()
@targets.target_option()
@click.argument("entity_type")
@click.argument("metric_type")
@click.option("--id", "entity_id", type=int, help="Entity whose source rows and events to show, side by side.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Rows to show of each table.")
@targets.vars_option
def main(target: str, entity_type: str, metric_type: str, entity_id: int | None, limit: int, variables: str) -> None:
    """Explain a metric: explain_metric.py Model ThumbsUp --id 123.

    Prints its row of the catalog, the source columns that it reads, and its query. With --id also the entity's source
    rows, with what becomes of each, and its events as the query makes them beside those in the log, with both totals.
    The vars mean what they mean in dbt test: event_log, cutoff, cutoffs and parity say what is looked at.
    """
    targets.require(target, "clickhouse")
    metric = look_up(target, entity_type, metric_type, variables, reads_log=entity_id is not None)
    explain_rule(metric)
    if entity_id is not None:
        with targets.clickhouse(target) as client, targets.server_errors(target):
            explain_entity(client, metric, entity_id, limit)
        click.echo(metric.about["looked_at"])


if __name__ == "__main__":
    main()
