#!/usr/bin/env python
"""Write the parity report: one HTML page, without network, that says whether the event log holds what it must."""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import json
import shlex
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click
import jinja2
from clickhouse_connect.driver.exceptions import ClickHouseError
from markupsafe import Markup

import dbt_sql
import explain_metric
import targets
from project import catalog, events_model, events_models
from wording import how_many

if TYPE_CHECKING:
    from clickhouse_connect.driver import Client

# What the comparison with the legacy counters refers to.
COMPARED = ["seed.entity_metrics.metric_catalog", "model.entity_metrics.audited_events"]
PAGE = Path(__file__).parent / "parity_page"
# Rows that the page shows of each table of an entity.
SHOWN_ROWS = 20
MINUS = "\N{MINUS SIGN}"

Row = dict[str, object]


def ask(client: "Client", sql: str, parameters: dict[str, object] | None = None) -> dict:
    """Run a query. Returns its columns (meta) and rows (data)."""
    numbers = {"output_format_json_quote_64bit_integers": 0}
    return json.loads(client.raw_query(sql, parameters, numbers, "JSON"))


def ask_all(client: "Client", queries: list[str]) -> list[Row]:
    """The rows of some queries."""
    return [row for sql in queries for row in ask(client, sql)["data"]]


def compared(project: dbt_sql.Project, client: "Client") -> tuple[dict, list[Row], list[Row], list[Row]]:
    """What was compared (settings), and the rows by pair, month, and day of correction."""
    parts = ("parity_settings()", "parity_report_months()", "parity_report_corrections()")
    about, months, corrections = project.render(parts)
    about = json.loads(about)
    by_type = project.render([f"parity_report_pairs('{entity_type}')" for entity_type in about["entity_types"]])
    found = {name_of(row): row for row in ask_all(client, by_type)}
    values = {
        name_of(metric): metric["value"]
        for model in events_models(project.graph)
        for metric in model["config"]["meta"]["metrics"]
    }
    pairs = []
    for row in catalog():
        # Those that the log alone counts are compared with nothing.
        if name_of(row) in found:
            pair = found[name_of(row)] | {"catalog": row, "value": values[name_of(row)], "name": name_of(row)}
            pairs.append(pair | {"difference": pair["actual"] - pair["expected"], "tables": [], "error": ""})
    return about, pairs, ask_all(client, [months]), ask_all(client, [corrections])


def name_of(row: Row) -> str:
    """Entity type and metric type, as people say it."""
    return f"{row['entity_type']} {row['metric_type']}"


def legacy_differences(project: dbt_sql.Project, client: "Client") -> tuple[dict[str, Row], str]:
    """The metrics that differ from the legacy counts or have none, and why they could not be compared, if so."""
    # While dbt parses, there is no table to compare with.
    parts = [
        f"legacy_comparison(graph.sources['{unique_id}'], ref('metric_catalog'), ref('audited_events'),"
        f" compared_metric_types('{node['name'].removesuffix('Metric')}')) if execute else ''"
        for unique_id, node in project.graph["sources"].items()
        if node["source_name"] == "legacy"
    ]
    try:
        return {name_of(row): row for row in ask_all(client, project.render(parts, COMPARED))}, ""
    except (dbt_sql.DbtError, ClickHouseError) as error:
        return {}, str(error)


def known_differences(legacy: dict[str, Row]) -> list[Row]:
    """What the catalog says of metrics that are not the legacy column's count, the same words only once."""
    reasons: dict[str, Row] = {}
    for row in catalog():
        if row["legacy_parity"] == "known_difference":
            reason = reasons.setdefault(row["note"], {"note": row["note"], "metrics": []})
            reason["metrics"].append(row | legacy.get(name_of(row), {"differing": None, "absent": ""}))
    return list(reasons.values())


def rows_of_worst(project: dbt_sql.Project, client: "Client", about: dict, pairs: list[Row]) -> None:
    """Give each of these pairs the source rows and the events of its worst entity, or why they cannot be shown."""
    parts, reads = [], set()
    for pair in pairs:
        arguments = f"('{pair['entity_type']}', '{pair['metric_type']}')"
        parts += [f"metric_query{arguments}", f"metric_rows_query{arguments}"]
        reads |= set(project.graph["nodes"][events_model(pair["catalog"])]["depends_on"]["nodes"])
    queries = iter(project.render(parts, sorted(reads), introspect=False))
    for pair, query, rows_query in zip(pairs, queries, queries, strict=True):
        events = explain_metric.sides(client, query) + explain_metric.EVENTS
        parameters = explain_metric.parameters(about, pair["catalog"], pair["worst_entity"])
        try:
            pair["tables"] = [
                {"title": title} | ask(client, f"select * from (\n{sql}\n) limit {SHOWN_ROWS}", parameters)
                for title, sql in (("Source rows", rows_query), ("Events, expected and in the log", events))
            ]
        except ClickHouseError as error:
            pair["error"] = str(error)


def given(project: dbt_sql.Project) -> str:
    """The options by which a command gets the target and the vars of this report."""
    target = f" --target {project.target}" if project.target != targets.TARGETS[0] else ""
    return target + (f" --vars {shlex.quote(project.variables)}" if project.variables != "{}" else "")


def script(code: str) -> Markup:
    """A library's code as the text of a script element. "</script" and "<!--" would end it anywhere."""
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


def report(target: str, variables: str, details: int) -> tuple[str, str, bool]:
    """The page, what it says in a few lines, and whether all pairs agree."""
    made_at = datetime.now(UTC).replace(tzinfo=None).isoformat(" ", "minutes")
    project = dbt_sql.Project(target, variables, dbt_sql.parse(target, variables))
    with targets.clickhouse(target) as client:
        about, pairs, months, corrections = compared(project, client)
        legacy, legacy_error = legacy_differences(project, client)
        differing = sorted((pair for pair in pairs if pair["differing"]), key=lambda pair: -pair["differing"])
        if differing[:details]:
            rows_of_worst(project, client, about, differing[:details])
    exact = [row for row in legacy.values() if row["legacy_parity"] == "exact"]
    off = [row for row in exact if not row["absent"]]
    absent, retired = {row["absent"] for row in legacy.values()} - {""}, set(about["retired_sources"])
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
        absent=sorted(absent - retired),
        retired=sorted(absent & retired),
        off=off,
        exact=sum(row["legacy_parity"] == "exact" for row in catalog()) - len(exact) + len(off),
        known=known_differences(legacy),
        made_at=made_at,
    )
    verb = "differs" if len(differing) == 1 else "differ"
    said = f"{len(differing) or 'None'} of {how_many(len(pairs), 'metric')} {verb}: {{output}}"
    return text, "\n".join(filter(None, [said, about["said_of_the_log_alone"], about["looked_at"]])), not differing


@click.command()
@targets.target_option()
@click.option(
    "--output",
    default=targets.REPOSITORY / "target" / "parity_report.html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.  [default: target/parity_report.html]",
)
@targets.vars_option
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
            text, said, agree = report(target, variables, details)
        output.parent.mkdir(parents=True, exist_ok=True)
        # A reader of the page meanwhile sees the old one or the new one, whole.
        written = output.with_name(f"{output.name}.new")
        written.write_text(text)
        written.replace(output)
        click.echo(said.replace("{output}", str(output), 1))
    # Any error at all: Python's own exit code, 1, would be a verdict.
    except Exception as error:
        expected = isinstance(error, (click.ClickException, dbt_sql.DbtError, OSError))
        failure = click.ClickException(f"The parity report cannot be made. {error if expected else repr(error)}")
        failure.exit_code = 2
        raise failure from None
    context.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
