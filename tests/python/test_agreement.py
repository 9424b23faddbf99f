"""The audit, the parity report and the explanation of a number look at the same log, cutoffs and server, and say so."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest
from conftest import Sandbox, drop_databases, new_project
from parsed_project import ParsedProject, fork, parse

import dbt_sql
import explain_metric
import parity_report

CUTOFFS = {"cutoff": "2024-07-01 12:00:00", "cutoffs": {"Image": "2024-03-01 06:00:00"}}
OF_LIKES = "entityType = 'Image' and metricType = 'ReactionLike'"
BEFORE_ITS_CUTOFF = "createdAt < toDateTime64('2024-03-01 06:00:00', 3, 'UTC')"
# The three that say whether a log is as it should be, and how each ends where it cannot.
REFUSED = {"audit": 1, "report": 2, "explanation": 1}


@dataclass
class Asked:
    """The three, asked of one project, which is parsed only once."""

    project: ParsedProject
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def page(self) -> Path:
        return self.project.target / "report.html"

    def __call__(self, name: str, entity: int = 1, **vars: object) -> tuple[int, str]:
        """The exit code of one of the three, with these vars beside the log and its cutoffs, and what it printed."""
        if name == "audit":
            run = self.project.start("test", "--selector", "parity", **vars)
        else:
            given = json.dumps({"event_log": self.project.event_log} | CUTOFFS | vars)
            script, arguments = {
                "report": (parity_report.main, ["--output", str(self.page)]),
                "explanation": (explain_metric.main, ["Image", "ReactionLike", "--id", str(entity)]),
            }[name]
            log = self.project.target / f"script-{next(self.numbers)}"
            run = fork(lambda: self._main(script, [*arguments, "--vars", given]), log)
        return run.wait(), run.output

    def _main(self, script: click.Command, arguments: list[str]) -> int:
        os.environ.update(self.project.environment())
        dbt_sql.parse = lambda target, variables: self.project.manifest
        try:
            script(arguments)
        except SystemExit as end:
            return end.code


@pytest.fixture(scope="module")
def asked(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A backfill into another log than the default one, up to other cutoffs."""
    folder = tmp_path_factory.mktemp("agreement")
    new_project(sandbox, "agreement", folder)
    project = ParsedProject(sandbox, "agreement", folder, vars=CUTOFFS)
    project.manifest = parse(project)
    project.dbt("run", "--select", "tag:backfill")
    project.dbt("seed", "--select", "metric_catalog")
    yield Asked(project)
    drop_databases(sandbox, "agreement")


def totals_of(explanation: str) -> tuple[int, ...]:
    """What an explanation says is expected, and in the log."""
    found = re.findall(r"^(?:expected|in the log) +([\d,]+) in", explanation, re.M)
    return tuple(int(number.replace(",", "")) for number in found)


def test_all_three_name_the_same_entity_and_numbers_and_what_they_looked_at(asked: Asked) -> None:
    project = asked.project
    # An image that is liked after the cutoff of images, too: with any other cutoff it is expected to have more.
    entity, expected = project.sandbox.rows(
        f"""
        select toInt64(entityId), toInt64(sumIf(metricValue, {BEFORE_ITS_CUTOFF})) as expected
        from agreement.image_reaction_events
        where {OF_LIKES}
        group by entityId
        having expected > 1 and countIf(not {BEFORE_ITS_CUTOFF} and createdAt < '2024-07-01 12:00:00') > 0
        order by entityId
        limit 1
        """
    )[0]
    of_entity = f"{OF_LIKES} and entityId = {entity} and {BEFORE_ITS_CUTOFF}"
    user = project.sandbox.value(f"select min(userId) from {project.event_log} where {of_entity}")
    project.sandbox.command(f"delete from {project.event_log} where {of_entity} and userId = {user}")
    held = project.sandbox.value(f"select toInt64(sum(metricValue)) from {project.event_log} where {of_entity}")
    assert 0 < held < expected

    outputs = {name: asked(name, entity) for name in REFUSED}
    codes = {name: code for name, (code, _) in outputs.items()}
    assert codes == {"audit": 1, "report": 1, "explanation": 0}, outputs
    audit, report, explanation = (output for _, output in outputs.values())
    differs = f"Image {entity} has {held} instead of {expected}"
    assert f"Image ReactionLike: 0 missing, 0 extra, 1 too low, 0 too high; worst: {differs}" in audit
    assert audit.count("; worst: ") == 1
    page = " ".join(re.sub("<[^>]+>", " ", asked.page.read_text()).split())
    assert report.startswith("1 of ")
    assert f"Image {entity} {held} instead of {expected}" in page
    assert totals_of(explanation) == (expected, held)
    assert "Events before 2024-03-01 06:00:00.000 UTC are the backfill's" in explanation

    looked_at = (
        f"Event log {project.event_log}, cutoff 2024-07-01 12:00:00.000 UTC (Image: 2024-03-01 06:00:00.000), "
        f"ClickHouse at 127.0.0.1:{project.sandbox.env['CLICKHOUSE_PORT']}, database agreement (target sandbox)"
    )
    for output in (audit, report, explanation, page):
        assert output.count(looked_at) == 1


def test_of_the_present_all_events_count(asked: Asked) -> None:
    asked("audit", parity="present")
    entity, *numbers = asked.project.sandbox.rows(
        """
        select entity_id, expected, actual
        from agreement_failures.source_parity_image
        where metric_type = 'ReactionLike'
        order by abs(expected - actual) desc
        limit 1
        """
    )[0]
    code, explanation = asked("explanation", entity, parity="present")
    assert code == 0, explanation
    assert totals_of(explanation) == tuple(numbers)
    assert "All events count (parity: present)." in explanation


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize(
    ("vars", "complaint"),
    [
        ({"event_log": "agreement.entityMetricEvent"}, "There is no event log agreement.entityMetricEvent."),
        (
            {"event_log": "default.entityMetricEvents"},
            "read the event log agreement.entityMetricEvents, and the var event_log names default.entityMetricEvents",
        ),
        ({"cutof": "2024-07-01"}, "The project has no var 'cutof'. Did you mean cutoff?"),
        ({"event_log": "entityMetricEvents"}, "it must be <database>.<table>"),
        ({"cutoffs": {"Picture": "2024-03-01"}}, "names 'Picture', which is no entity type"),
        ({"parity": "past"}, "The var parity is 'past'; it must be one of history, present"),
    ],
    ids=["no_such_log", "another_log", "unknown_var", "bad_name", "unknown_type", "bad_value"],
)
def test_none_answers_about_something_else_than_it_was_asked(
    asked: Asked, name: str, vars: dict[str, object], complaint: str
) -> None:
    asked.page.unlink(missing_ok=True)
    code, output = asked(name, **vars)
    assert code == REFUSED[name], output
    assert complaint in " ".join(output.split())
    assert "Traceback" not in output
    assert "instead of" not in output
    assert not asked.page.exists()
