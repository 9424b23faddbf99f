"""The page of scripts/parity_report.py in a real browser: on a log that is as it should be, and on a damaged one."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from conftest import LOG, Project, copy_tables
from event_log_checks import (
    BEFORE,
    MANY_PARTITIONS,
    Totals,
    catalog,
    copy_ledger,
    enter_corrections,
    of_pairs,
    pairs_of,
    totals,
)
from parsed_project import ParsedProject
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

import dbt_sql
import parity_report
from screenshots import browser_path

METRICS = len(catalog())
LOST, DOUBLED = ("Model", "ThumbsUp"), ("User", "Follower")
HOSTILE = "</script><img src=x onerror=document.title='broken'>"
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")
def reported(backfilled: ParsedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A database of its own, with a copy of all that the report reads of `backfilled`."""
    sandbox = backfilled.sandbox
    project = replace(backfilled, database="reported", target=tmp_path_factory.mktemp("reported"))
    for suffix in ("", "_postgres"):
        sandbox.command(f"create database reported{suffix}")
        where = "name like 'stg\\_%' or name = 'entityMetricEvents' or engine = 'PostgreSQL'"
        copy_tables(sandbox, f"backfilled{suffix}", f"reported{suffix}", where)
    sandbox.command("create table reported.metric_catalog clone as backfilled.metric_catalog")
    copy_ledger(backfilled, project)
    project.dbt("run", "--select", "expected_application_metrics", *LOG)
    yield project
    for suffix in ("", "_postgres"):
        sandbox.command(f"drop database reported{suffix} sync")


@dataclass
class Reports:
    """Makes reports of one project, which is parsed only once."""

    project: Project
    manifest: object

    @property
    def looked_at(self) -> str:
        port, database = self.project.sandbox.env["CLICKHOUSE_PORT"], self.project.database
        server = f"ClickHouse at 127.0.0.1:{port}, database {database} (target sandbox)"
        return f"Event log {self.project.event_log}, cutoff 2024-08-07 15:44:39.044 UTC, {server}"

    def make(self, name: str, *options: str, environment: dict[str, str] | None = None) -> tuple[Result, Path]:
        output = self.project.target / f"{name}.html"
        arguments = ["--output", str(output), "--vars", f"{{event_log: {self.project.event_log}}}", *options]
        with (
            mock.patch.dict(os.environ, self.project.environment() | (environment or {})),
            mock.patch.object(dbt_sql, "parse", return_value=self.manifest),
        ):
            return CliRunner().invoke(parity_report.main, arguments), output


@pytest.fixture(scope="module")
def reports(reported: Project) -> Reports:
    with mock.patch.dict(os.environ, reported.environment()):
        return Reports(reported, dbt_sql.parse("sandbox", f"{{event_log: {reported.event_log}}}"))


@pytest.fixture(scope="module")
def good(reports: Reports) -> Path:
    done, output = reports.make("good")
    assert (done.exit_code, done.output) == (0, f"None of {METRICS} metrics differ: {output}\n{reports.looked_at}\n")
    return output


@pytest.fixture(scope="module")
def lacking(reports: Reports, good: Path) -> Path:
    """The page of the same log where PostgreSQL lacks a legacy table, and a column of another."""
    postgres = reports.project.sandbox.postgres
    postgres('alter table "ModelMetric" rename to kept; alter table "TagMetric" rename "hiddenCount" to kept')
    try:
        done, output = reports.make("lacking")
    finally:
        postgres('alter table kept rename to "ModelMetric"; alter table "TagMetric" rename kept to "hiddenCount"')
    assert done.exit_code == 0, done.output
    return output


@dataclass
class Damaged:
    """The page of a damaged log, and what each entity of the damaged metrics had before."""

    page: Path
    before: Totals


@pytest.fixture(scope="module")
def damaged(reports: Reports, good: Path, lacking: Path) -> Damaged:
    project = reports.project
    run, log = project.sandbox.command, project.event_log
    before = totals(project, f"{BEFORE} and {of_pairs([LOST, DOUBLED])}")
    run(f"delete from {log} where {BEFORE} and {of_pairs([LOST])} and entityId % 20 = 0")
    doubled = f"select * from {log} where {BEFORE} and {of_pairs([DOUBLED])} and entityId % 3 = 0"
    run(f"insert into {log} {doubled} {MANY_PARTITIONS}")
    # The page is made all the same where the legacy counters cannot be compared.
    run(f"drop table {project.database}.metric_catalog sync")
    enter_corrections(
        project, HOSTILE, {"2026-01-01": "published", "2026-01-03": "published", "2026-01-04": "intended"}
    )
    done, output = reports.make("damaged")
    assert (done.exit_code, done.output) == (1, f"2 of {METRICS} metrics differ: {output}\n{reports.looked_at}\n")
    return Damaged(output, before)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        # Its profile is a new folder, which goes with it.
        launched = driver.chromium.launch(executable_path=browser_path(), headless=True, args=ARGUMENTS)
        yield launched
        launched.close()


@dataclass
class Visit:
    """Pages of one browser, and what they say and ask for."""

    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, file: Path, anchor: str = "", **options: object) -> Page:
        """Opens a page without a network. options: of the browser's context, such as the size of its window."""
        self.contexts.append(self.browser.new_context(offline=True, **options))
        page = self.contexts[-1].new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(f"{file.as_uri()}{anchor}")
        page.wait_for_selector("html[data-ready]", timeout=20_000)
        return page

    def _said(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """A browser whose pages may say nothing on the console and ask for nothing."""
    visit = Visit(browser)
    yield visit
    for context in visit.contexts:
        context.close()
    assert visit.console == []
    assert [url for url in visit.requests if not url.startswith(("file:", "blob:", "data:"))] == []


def bars(page: Page, chart: str) -> int:
    """How many marks of a chart have an area."""
    return page.locator(f"{chart} svg .mark-rect path").evaluate_all(
        "paths => paths.filter(path => path.getBBox().width > 0 && path.getBBox().height > 0).length"
    )


def row(page: Page, pair: tuple[str, str]) -> list[str]:
    """The cells of a metric in the table."""
    return page.locator(f"#pair-{pair[0]}-{pair[1]} > *").all_inner_texts()


# A log as it should be -------------------------------------------------------------------------------------------


def test_a_good_log_is_said_to_agree(visit: Visit, good: Path, reports: Reports) -> None:
    page = visit.open(good)
    assert page.inner_text("h1") == f"All {METRICS} metrics agree"
    assert page.title().startswith(f"✓ All {METRICS} metrics agree")
    assert page.locator("#table-pairs tbody tr").count() == METRICS
    assert page.locator("#table-pairs tbody tr.differing, details, .alarm").count() == 0
    assert page.locator("text=There have been no corrections.").count() == 1
    facts = page.inner_text(".facts")
    assert "history: events before the cutoff" in facts
    assert reports.looked_at in facts


def test_the_numbers_are_those_of_the_log(visit: Visit, good: Path, reported: Project) -> None:
    page = visit.open(good)
    expected = {pair: sum(value for _, value in entities.values()) for pair, entities in totals(reported).items()}
    for pair in pairs_of():
        total = f"{expected.get(pair, 0):,}"
        assert row(page, pair)[1:4] == [total, total, "0"], pair


def test_charts_are_drawn(visit: Visit, good: Path) -> None:
    page = visit.open(good)
    assert bars(page, "#chart-tiles") == METRICS
    assert page.locator(".month").count() == 10
    for entity_type in {entity_type for entity_type, _ in pairs_of()}:
        assert bars(page, f".month[data-entity-type={entity_type}]") > 5, entity_type


def test_the_table_is_sorted_and_searched_by_keyboard(visit: Visit, good: Path) -> None:
    page = visit.open(good)
    names = "#table-pairs tbody tr:visible th"
    page.focus("#search")
    page.keyboard.type("bounty tip")
    expect(page.locator(names)).to_have_count(2)
    assert page.locator(names).all_inner_texts() == ["BountyEntry TipCount", "BountyEntry TipAmount\nsum of amount"]
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Backspace")
    expect(page.locator(names)).to_have_count(METRICS)
    page.focus("#table-pairs thead th:nth-child(2) [role=button]")
    page.keyboard.press("Enter")
    # The table sorts itself a moment after the key.
    expect(page.locator("#table-pairs thead th:nth-child(2)")).to_have_attribute("aria-sort", "descending")
    shown = [
        int(text.replace(",", "")) for text in page.locator("#table-pairs tbody td:nth-child(2)").all_inner_texts()
    ]
    assert len(shown) == METRICS
    assert shown == sorted(shown, reverse=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(visit: Visit, good: Path, scheme: str) -> None:
    page = visit.open(good, viewport={"width": 360, "height": 700}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", paper))) < 64) == (scheme == "dark")


def test_the_page_is_one_file_of_a_reasonable_size(good: Path) -> None:
    assert good.stat().st_size < 3_000_000
    assert list(good.parent.glob("good*")) == [good]


# A damaged log ---------------------------------------------------------------------------------------------------


def test_a_damaged_log_is_said_to_differ(visit: Visit, damaged: Damaged) -> None:
    lost = {id: value for id, (_, value) in damaged.before[LOST].items() if id % 20 == 0}
    doubled = {id: value for id, (_, value) in damaged.before[DOUBLED].items() if id % 3 == 0}
    page = visit.open(damaged.page)
    assert page.inner_text("h1") == f"2 of {METRICS} metrics differ"
    assert page.title().startswith(f"✗ 2 of {METRICS} metrics differ")
    # What differs is what is shown at first.
    assert page.locator("#table-pairs tbody tr").count() == 2
    before = {pair: sum(value for _, value in damaged.before[pair].values()) for pair in (LOST, DOUBLED)}
    for pair, entities, sign, kind in ((LOST, lost, -1, "missing"), (DOUBLED, doubled, 1, "too high")):
        cells = row(page, pair)
        change = sign * sum(entities.values())
        assert cells[1] == f"{before[pair]:,}"
        assert cells[2] == f"{before[pair] + change:,}"
        assert cells[3] == f"{change:+,}".replace("-", "\N{MINUS SIGN}")
        assert cells[5].split("\n")[0] == f"{len(entities):,}"
        assert f"{len(entities):,} {kind}" in cells[5]
        worst, value = re.fullmatch(rf"{pair[0]} (\d+)\n[\d,]+ instead of ([\d,]+)", cells[6]).groups()
        assert entities[int(worst)] == int(value.replace(",", "")) == max(entities.values())
    page.uncheck("#only-differing")
    assert page.locator("#table-pairs tbody tr").count() == METRICS
    assert bars(page, "#chart-tiles") == METRICS
    assert bars(page, "#chart-kinds") == 2


def test_a_phone_shows_the_worst_entity_of_each_metric_that_differs(visit: Visit, damaged: Damaged) -> None:
    page = visit.open(damaged.page, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator(".scroll:has(#table-pairs)").evaluate("box => box.scrollWidth <= box.clientWidth")
    for pair in (LOST, DOUBLED):
        worst = page.locator(f"#pair-{pair[0]}-{pair[1]} td:last-child")
        worst.scroll_into_view_if_needed()
        assert re.search(rf"{pair[0]} \d+\s+[\d,]+ instead of [\d,]+", worst.inner_text())
        # Nothing covers it: it is what a finger would touch.
        assert worst.locator("a").evaluate(
            """link => {
                const box = link.getBoundingClientRect();
                return box.left >= 0 && box.right <= 390 && [box.left + 2, box.right - 2].every(
                    x => document.elementFromPoint(x, box.top + box.height / 2) === link);
            }"""
        )


def luminance(colour: str) -> float:
    """How light a colour such as rgb(1, 2, 3) is, from 0 to 1, as the guidelines for accessibility have it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tiles_tell_by_lightness_how_many_entities_differ(visit: Visit, damaged: Damaged, scheme: str) -> None:
    page = visit.open(damaged.page, color_scheme=scheme)
    numbers = {pair: int(row(page, pair)[5].split("\n")[0].replace(",", "")) for pair in (LOST, DOUBLED)}
    assert len({len(str(number)) for number in numbers.values()}) == 2, numbers
    for pair, number in numbers.items():
        tile = page.locator(f'#chart-tiles path[aria-label*="title: {" ".join(pair)};"]')
        step = f"var(--off-{min(4, len(str(number)))})"
        assert tile.get_attribute("fill") == step
        assert tile.get_attribute("stroke") == "var(--alarm)"

    def shown(name: str) -> str:
        return page.locator("#verdict").evaluate(
            "(element, name) => { element.style.color = `var(${name})`; return getComputedStyle(element).color; }", name
        )

    steps = [shown(f"--off-{step}") for step in range(1, 5)]
    lightness = [luminance(colour) for colour in steps]
    assert lightness == sorted(lightness, reverse=scheme == "light")
    for step, (less, more) in enumerate(pairwise(steps), 1):
        assert contrast(less, more) > 1.5, step
    for step, colour in enumerate(steps, 1):
        assert contrast(colour, shown(f"--on-off-{step}")) > 4.5, step


def test_a_link_leads_to_the_rows_of_the_worst_entity(visit: Visit, damaged: Damaged) -> None:
    page = visit.open(damaged.page)
    link = page.locator("#pair-Model-ThumbsUp a")
    name = link.inner_text()
    link.click()
    rows = page.locator("#rows-Model-ThumbsUp")
    assert rows.evaluate("details => details.open")
    assert f"scripts/explain_metric.py Model ThumbsUp --id {name.split()[1]} --vars " in rows.inner_text()
    source, events = rows.locator("table").all()
    assert source.locator("tbody td:first-child").all_inner_texts().count("yes") > 0
    remarks = events.locator("tbody td:last-child").all_inner_texts()
    assert remarks[0] == "missing in the log"
    assert set(remarks) <= {"missing in the log", "live"}
    # Opened with the link, the page shows the same.
    again = visit.open(damaged.page, "#rows-User-Follower")
    assert again.locator("#rows-User-Follower").evaluate("details => details.open")
    assert "not expected" in again.inner_text("#rows-User-Follower table >> nth=1")


def test_a_link_to_a_pair_that_is_not_shown_shows_all(visit: Visit, damaged: Damaged) -> None:
    page = visit.open(damaged.page, "#pair-Tag-Hidden")
    assert page.locator("#pair-Tag-Hidden.asked").is_visible()
    assert page.locator("#table-pairs tbody tr").count() == METRICS


def test_known_differences_are_explained_in_the_words_of_the_catalog(
    visit: Visit, good: Path, damaged: Damaged
) -> None:
    note = "One event a download; the legacy column counts distinct users per version."
    page = visit.open(good)
    reason = page.locator(".reasons > div", has_text=note)
    (download,) = reason.locator("li", has_text="Model Download").all_inner_texts()
    assert re.search(r"ModelMetric\.downloadCount\n+[\d,]+ of [\d,]+ entities differ$", download)
    page = visit.open(damaged.page)
    assert "The legacy counters could not be compared: " in page.inner_text("#legacy")
    assert note in page.inner_text("#legacy")


def test_legacy_counters_that_are_missing_are_named(visit: Visit, good: Path, lacking: Path) -> None:
    agree = re.compile(r"all (\d+) comparable ones agree")
    before = int(agree.search(visit.open(good).inner_text(".facts"))[1])
    page = visit.open(lacking)
    legacy = page.locator("#legacy")
    named = "Not compared, since PostgreSQL does not have them: ModelMetric, TagMetric.hiddenCount."
    assert named in legacy.inner_text()
    # Four exact columns of models, and the tag's.
    assert int(agree.search(page.inner_text(".facts"))[1]) == before - 5
    shown = {text.split("\n")[0]: text.split("\n")[-1] for text in legacy.locator("li").all_inner_texts()}
    assert shown["Model Download"] == "not compared"
    assert shown["ModelVersion Download"].endswith(" differ")


def test_corrections_are_drawn_and_nothing_breaks_out_of_the_page(visit: Visit, damaged: Damaged) -> None:
    page = visit.open(damaged.page)
    assert bars(page, "#chart-corrections") == 2
    assert page.locator("img").count() == 0
    assert "broken" not in page.title()


# What keeps it from being made -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "environment", "message"),
    [
        (["--vars", "{parity: past}"], {}, "The var parity is 'past'; it must be one of history, present."),
        (["--vars", "{event_log: reported.nothing}"], {}, "There is no event log reported.nothing."),
        (["--vars", "{parity: "], {}, "is not valid YAML"),
        (["--target", "production"], {"CLICKHOUSE_PORT": "1"}, "ClickHouse at 127.0.0.1:1, "),
        (["--target", "production"], {"CLICKHOUSE_PORT": ""}, "variables that are unset or empty: CLICKHOUSE_PORT."),
        (["--details", "0", "--output", "/dev/null/page.html"], {}, "File exists: '/dev/null'"),
    ],
)
def test_a_report_that_cannot_be_made_is_an_error(
    reports: Reports, options: list[str], environment: dict[str, str], message: str
) -> None:
    done, output = reports.make("none", *options, environment=environment)
    assert done.exit_code == 2, done.output
    assert done.output.startswith("Error: The parity report cannot be made. ")
    assert message in done.output
    assert not output.exists()


def test_a_command_that_is_none_gives_no_verdict(reports: Reports, tmp_path: Path) -> None:
    for options in (["--output", str(tmp_path)], ["--details", "-1"], ["--nothing"]):
        assert reports.make("none", *options)[0].exit_code == 2


def test_what_nobody_thought_of_gives_no_verdict_either(reports: Reports) -> None:
    # A library that is not installed.
    with mock.patch.dict(sys.modules, {"vl_convert": None}):
        done, output = reports.make("none", "--details", "0")
    assert done.exit_code == 2, done.output
    assert "vl_convert" in done.output
    assert not output.exists()
