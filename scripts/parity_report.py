#!/usr/bin/env python
"""Write the parity report: one HTML page, without network, that says whether the event log holds what it must."""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import csv
import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click
import jinja2
from clickhouse_connect.driver.exceptions import ClickHouseError
from markupsafe import Markup

import dbt_sql
import targets
from explain_metric import CATALOG, EVENTS, LOG_TYPE, SIDES, events_model
from wording import how_many

if TYPE_CHECKING:
    from clickhouse_connect.driver import Client
    from dbt.contracts.graph.manifest import Manifest

# What the comparison with the legacy counters refers to.
COMPARED = ["seed.entity_metrics.metric_catalog", "model.entity_metrics.audited_events"]
PAGE = Path(__file__).parent / "parity_page"
# Rows that the page shows of each table of an entity.
SHOWN_ROWS = 20
MINUS = "\N{MINUS SIGN}"

Row = dict[str, object]


def catalog() -> list[dict[str, str]]:
    """The list of record, an entity type's metrics together."""
    with CATALOG.open(newline="") as file:
        rows = list(csv.DictReader(file))
    entity_types = [row["entity_type"] for row in rows]
    return sorted(rows, key=lambda row: entity_types.index(row["entity_type"]))


@dataclass(frozen=True)
class Project:
    """The project with one target and some vars, and a client of that target's ClickHouse."""

    target: str
    variables: str
    manifest: "Manifest"
    client: "Client"

    def render(self, parts: Iterable[str], reads: Iterable[str] = (), introspect: bool = True) -> list[str]:
        """What each part, a Jinja expression, renders to: see dbt_sql."""
        return dbt_sql.render(self.manifest, self.target, self.variables, parts, reads, introspect)

    def ask(self, sql: str, parameters: dict[str, object] | None = None) -> dict:
        """Run a query. Returns its columns (meta) and rows (data)."""
        numbers = {"output_format_json_quote_64bit_integers": 0}
        return json.loads(self.client.raw_query(sql, parameters, numbers, "JSON"))


def compared(project: Project) -> tuple[dict, list[Row], list[Row], list[Row]]:
    """What was compared (settings), and the rows by pair, month, and day of correction."""
    parts = ("parity_settings()", "parity_report_months()", "parity_report_corrections()")
    about, months, corrections = project.render(parts)
    about = json.loads(about)
    by_type = project.render([f"parity_report_pairs('{entity_type}')" for entity_type in about["entity_types"]])
    rows = [row for sql in by_type for row in project.ask(sql)["data"]]
    found = {(row["entity_type"], row["metric_type"]): row for row in rows}
    values = {
        (metric["entity_type"], metric["metric_type"]): metric["value"]
        for node in project.manifest.nodes.values()
        for metric in node.config.meta.get("metrics", [])
    }
    pairs = []
    for row in catalog():
        name = row["entity_type"], row["metric_type"]
        pairs.append(found[name] | {"catalog": row, "value": values[name]})
    return about, pairs, project.ask(months)["data"], project.ask(corrections)["data"]


def legacy_differences(project: Project) -> tuple[dict[tuple[str, str], Row], str]:
    """The metrics that differ from the legacy counts or have none, and why they could not be compared, if so."""
    tables = [node for node in project.manifest.sources.values() if node.source_name == "legacy"]
    # While dbt parses, there is no table to compare with.
    parts = [
        f"legacy_comparison(graph.sources['{node.unique_id}'], ref('metric_catalog'), ref('audited_events'),"
        f" metric_types_of('{node.name.removesuffix('Metric')}')) if execute else ''"
        for node in tables
    ]
    try:
        rows = [row for sql in project.render(parts, COMPARED) for row in project.ask(sql)["data"]]
    except (dbt_sql.DbtError, ClickHouseError) as error:
        return {}, str(error)
    return {(row["entity_type"], row["metric_type"]): row for row in rows}, ""


def known_differences(legacy: dict[tuple[str, str], Row]) -> list[Row]:
    """What the catalog says of metrics that are not the legacy column's count, the same words only once."""
    reasons: dict[str, Row] = {}
    for row in catalog():
        if row["legacy_parity"] == "known_difference":
            reason = reasons.setdefault(row["note"], {"note": row["note"], "metrics": []})
            reason["metrics"].append(
                row | (legacy.get((row["entity_type"], row["metric_type"])) or {"differing": None, "absent": ""})
            )
    return list(reasons.values())


def rows_of_worst(project: Project, about: dict, pairs: list[Row]) -> None:
    """Give each of these pairs the source rows and the events of its worst entity, or why they cannot be shown."""
    parts, reads = [], set()
    for pair in pairs:
        arguments = f"('{pair['entity_type']}', '{pair['metric_type']}')"
        parts += [f"metric_query{arguments}", f"metric_rows_query{arguments}"]
        reads |= set(events_model(project.manifest, pair["catalog"]).depends_on.nodes)
    queries = iter(project.render(parts, sorted(reads), introspect=False))
    log_type = project.ask(LOG_TYPE)["data"][0]["type"]
    for pair in pairs:
        query, rows_query = next(queries), next(queries)
        sides = SIDES.replace("{query}", query).replace("{log_type}", log_type)
        parameters = {
            "parity": about["parity"],
            "entity_type": pair["entity_type"],
            "metric_type": pair["metric_type"],
            "entity_id": pair["worst_entity"],
            "cutoff": about["entity_types"][pair["entity_type"]]["cutoff"],
        }
        try:
            pair["tables"] = [
                {"title": title} | project.ask(f"select * from (\n{sql}\n) limit {SHOWN_ROWS}", parameters)
                for title, sql in (("Source rows", rows_query), ("Events, expected and in the log", sides + EVENTS))
            ]
        except ClickHouseError as error:
            pair["error"] = str(error)


def given(project: Project) -> str:
    """The options by which a command gets the target and the vars of this report."""
    target = f" --target {project.target}" if project.target != targets.TARGETS[0] else ""
    return target + (f" --vars {shlex.quote(project.variables)}" if project.variables != "{}" else "")


def command_of(pair: Row, project: Project) -> str:
    """The command that explains the pair's worst entity."""
    asked = f"{pair['entity_type']} {pair['metric_type']} --id {pair['worst_entity']}"
    return f"scripts/explain_metric.py {asked}{given(project)}"


def script(code: str) -> Markup:
    """A library's code as the text of a script element, which "</script" and "<!--" would end, wherever they stand."""
    return Markup(code.replace("</script", "<\\/script").replace("<!--", "<\\!--"))


def page(**content: object) -> str:
    """The page, with the libraries that it needs inside."""
    import vl_convert

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["number"] = lambda value: f"{value:,}".replace("-", MINUS)
    environment.filters["signed"] = lambda value: f"{value:+,}".replace("-", MINUS) if value else "0"
    environment.filters["only"] = lambda row, *names: {name: row[name] for name in names}
    return environment.get_template("page.html").render(
        vega=script(vl_convert.javascript_bundle()),
        datatables=script((files("itables") / "html" / "dt_bundle.js").read_text()),
        **content,
    )


def report(target: str, variables: str, details: int) -> tuple[str, int, str]:
    """The page, how many pairs differ, and what was looked at."""
    began = datetime.now(UTC)
    project = Project(target, variables, dbt_sql.parse(target, variables), targets.clickhouse(target))
    about, pairs, months, corrections = compared(project)
    legacy, legacy_error = legacy_differences(project)
    off = [row for row in legacy.values() if row["legacy_parity"] == "exact"]
    for pair in pairs:
        pair["difference"] = pair["actual"] - pair["expected"]
        pair["name"] = f"{pair['entity_type']} {pair['metric_type']}"
        pair["command"] = command_of(pair, project)
        pair["tables"], pair["error"] = [], ""
    differing = sorted((pair for pair in pairs if pair["differing"]), key=lambda pair: -pair["differing"])
    if differing[:details]:
        rows_of_worst(project, about, differing[:details])
    text = page(
        about=about,
        pairs=pairs,
        differing=differing,
        details=details,
        given=given(project),
        shown_rows=SHOWN_ROWS,
        months=months,
        corrections=corrections,
        legacy_error=legacy_error,
        absent=sorted({row["absent"] for row in legacy.values()} - {""}),
        off=[row for row in off if not row["absent"]],
        exact=sum(row["legacy_parity"] == "exact" for row in catalog()) - sum(bool(row["absent"]) for row in off),
        known=known_differences(legacy),
        made_at=began.replace(microsecond=0, tzinfo=None).isoformat(" "),
        seconds=round((datetime.now(UTC) - began).total_seconds()),
    )
    return text, len(differing), about["looked_at"]


@click.command()
@targets.target_option
@click.option(
    "--output",
    default=targets.REPOSITORY / "target" / "parity_report.html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.  [default: target/parity_report.html]",
)
@click.option("--vars", "variables", default="{}", show_default=True, help="The vars, as dbt takes them.")
@click.option(
    "--details",
    default=12,
    show_default=True,
    type=click.IntRange(0),
    help="How many differing metrics to show with the rows of their worst entity; each costs two queries.",
)
@click.pass_context
def main(context: click.Context, target: str, output: Path, variables: str, details: int) -> None:
    """Write a page that says, for every metric, whether the event log adds up to what PostgreSQL counts.

    The vars parity (history or present), parity_sample, event_log, cutoff, cutoffs and expected_counts mean what they
    mean in dbt test. Exit code 0: nothing differs. 1: something differs. 2: there is no verdict.
    """
    try:
        targets.require(target, "clickhouse")
        with targets.server_errors(target):
            text, differing, looked_at = report(target, variables, details)
        output.parent.mkdir(parents=True, exist_ok=True)
        # Whoever looks at the page meanwhile sees the old one or the new one, whole.
        written = output.with_name(f"{output.name}.new")
        written.write_text(text)
        written.replace(output)
        verb = "differs" if differing == 1 else "differ"
        click.echo(f"{differing or 'None'} of {how_many(len(catalog()), 'metric')} {verb}: {output}")
        click.echo(looked_at)
    # Whatever it is: Python's own exit code of an error, 1, would be a verdict.
    except Exception as error:
        expected = isinstance(error, (click.ClickException, dbt_sql.DbtError, OSError))
        failure = click.ClickException(f"The parity report cannot be made. {error if expected else repr(error)}")
        failure.exit_code = 2
        raise failure from None
    context.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
