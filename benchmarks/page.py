"""What docs/benchmarks.md shows of a measurement: its tables and its pictures."""

import json
import re

import click
import vl_convert

from benchmarks.jobs import BACKFILL, COPY, PUSH, USUAL, Result, aims, described, per_million
from targets import REPOSITORY
from wording import markdown_table

PAGE = REPOSITORY / "docs" / "benchmarks.md"
MEASURED = REPOSITORY / "docs" / "benchmarks.json"
PICTURES = REPOSITORY / "docs" / "images"
VEGA_LITE = "https://vega.github.io/schema/vega-lite/v6.json"
# The site: millions of events in the log, and of keys in Redis.
SITE = {"events": 700, "keys": 110}
# What is measured but is no job of the site.
BESIDE = (COPY, USUAL)


@click.command()
def page() -> None:
    """Fill the tables of docs/benchmarks.md and draw its pictures.

    They show what is in docs/benchmarks.json, where `jobs --json` puts it.
    """
    result = json.loads(MEASURED.read_text())
    PAGE.write_text(filled(PAGE.read_text(), result))
    for name, spec in pictures(result).items():
        (PICTURES / f"{name}.svg").write_text(drawn(spec))


def filled(text: str, result: Result) -> str:
    """The page with the tables of a result, each between two comments: its name, and the end."""
    for name, table in tables(result).items():
        text = re.sub(
            rf"(<!-- {name} -->\n).*?(\n<!-- end -->)",
            lambda found, table=table: f"{found[1]}{table}{found[2]}",
            text,
            flags=re.S,
        )
    return text


def tables(result: Result) -> dict[str, str]:
    """The tables by their names."""
    scales = by_scale(result)
    largest, heads = scales[-1], [f"scale {at_scale['scale']:g}" for at_scale in scales]
    return {
        "measured": "\n".join(f"- {described(result, at_scale)}" for at_scale in scales),
        "rates": markdown_table(
            *("job", *heads),
            rows=[[job, *(seconds(at_scale, job) for at_scale in scales)] for job in largest["seconds"]],
        ),
        "stages": markdown_table(
            *("job", f"seconds at scale {largest['scale']:g}, in the order of their starts"),
            rows=[
                [job, ", ".join(f"{name} {taken:.1f}" for name, taken in of_job.items())]
                for job, of_job in largest["stages"].items()
            ],
        ),
        "aims": markdown_table(
            *("aim", "measured", ""),
            rows=[[aim, value, "met" if met else "missed"] for aim, value, met in aims(scales)],
        ),
        "site": markdown_table(
            *("job", f"computed from scale {largest['scale']:g}"),
            rows=[[job, at_the_site(largest, job)] for job in largest["seconds"] if job not in BESIDE],
        ),
    }


def by_scale(result: Result) -> list[Result]:
    """What was measured, the smallest scale first."""
    return sorted(result["scales"], key=lambda at_scale: at_scale["scale"])


def seconds(at_scale: Result, job: str) -> str:
    """A job's seconds, and those for a million."""
    return f"{at_scale['seconds'][job]:.1f} s ({per_million(at_scale, job):.2f})"


def at_the_site(at_scale: Result, job: str) -> str:
    """How long a job takes there if it takes as long for a million as here."""
    taken = per_million(at_scale, job) * SITE["keys" if job == PUSH else "events"]
    return f"{taken / 60:.0f} minutes" if taken >= 120 else f"{taken:.0f} seconds"


def pictures(result: Result) -> dict[str, dict]:
    """Two charts in Vega-Lite: the backfill beside the floor and the usual way, and how the jobs grow."""
    scales, beside = by_scale(result), (COPY, BACKFILL, USUAL)
    rows = [
        {
            **{"scale": at_scale["scale"], "events": at_scale["events"] / 1e6, "job": job},
            **{"seconds": at_scale["seconds"][job], "for_a_million": per_million(at_scale, job)},
        }
        for at_scale in scales
        for job in at_scale["seconds"]
    ]
    jobs = [job for job in scales[-1]["seconds"] if job not in BESIDE]
    bars = {
        "data": {"values": [row for row in rows if row["job"] in beside]},
        "mark": "bar",
        "encoding": {
            "row": {"field": "scale", "type": "ordinal"},
            "y": {"field": "job", "type": "nominal", "sort": beside, "title": None},
            "x": {"field": "for_a_million", "type": "quantitative", "title": "seconds for a million events"},
            "color": {"field": "job", "type": "nominal", "sort": beside, "legend": None},
        },
    }
    log = {"type": "quantitative", "scale": {"type": "log"}, "axis": {"gridOpacity": 0.4}}
    lines = {
        "data": {"values": [row for row in rows if row["job"] in jobs]},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "events", "title": "million events", **log},
            "y": {"field": "seconds", **log},
            "color": {"field": "job", "type": "nominal", "sort": jobs, "title": None},
        },
    }
    return {"backfill_beside": bars, "jobs_by_scale": lines}


def drawn(spec: dict) -> str:
    """A chart as SVG."""
    # Browsers set the legend's text wider than it was measured.
    space = {"padding": {"left": 5, "top": 5, "bottom": 5, "right": 30}}
    common = {"$schema": VEGA_LITE, "background": "white", "width": 560, "config": {"view": {"stroke": None}} | space}
    return vl_convert.vegalite_to_svg(common | spec)
