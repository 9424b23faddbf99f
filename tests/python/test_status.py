"""`dbt run-operation backfill_status`: what is landed, pending and published, at any moment."""

from __future__ import annotations

import re

from conftest import LOG, Project
from event_log_checks import unfinish_landings
from parsed_project import ParsedProject, wait_until

FOLLOWS = ("stg_user", "stg_user_engagement", "user_engagement_events")
REACTIONS = "stg_image_reaction"
# So small that landing takes a while.
SLICE_SIZE = 300


def status(project: Project) -> tuple[str, dict[str, dict[str, str]]]:
    """What it says of the run that is at work, and a row for each model: cells by column."""
    output, rows, columns = project.dbt("run-operation", "backfill_status"), {}, []
    for line in output.splitlines():
        cells = re.split(r" {2,}", line)
        if cells[0] in ("staging model", "events model"):
            columns = cells
        elif len(cells) == len(columns):
            rows[cells[0]] = dict(zip(columns, cells, strict=True))
    (at_work,) = re.findall(r"(?:No run is|Run \S+ (?:is at|holds)) .*", output)
    return at_work, rows


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def test_before_the_first_backfill_it_says_so_and_makes_nothing(parsed: ParsedProject) -> None:
    output = parsed.dbt("run-operation", "backfill_status")
    assert "Nothing is landed yet: no backfill has begun in the database" in output
    assert "No run is at work." in output
    tables = f"select name from system.tables where database = '{parsed.database}'"
    assert parsed.sandbox.rows(tables) == [("entityMetricEvents",)]


def test_it_follows_a_landing_with_its_rate_and_what_is_left(parsed: ParsedProject) -> None:
    (rows,) = parsed.sandbox.postgres(f'select count(*), max(id) / {SLICE_SIZE} + 1 from "ImageReaction"')
    run = parsed.start("run", "--select", REACTIONS, slice_size=SLICE_SIZE)
    landed = f"select count() from system.parts where active and table = '{REACTIONS}' and rows > 0"
    wait_until(lambda: parsed.sandbox.value(f"{landed} and database = '{parsed.database}'") >= 3)
    with run.paused():
        at_work, models = status(parsed)
        reactions = models[REACTIONS]
        assert at_work.startswith("Run ")
        assert reactions["state"] == "landing"
        held, of = map(int, reactions["slices"].split(" of "))
        assert 0 < held < of <= rows[1]
        assert 0 < number(reactions["rows"]) < rows[0]
        assert number(reactions["rows a second"]) > 0
        assert reactions["seconds left"] != "-"
        assert models["stg_user"]["state"] == "not landed"
    run.kill()
    at_work, _ = status(parsed)
    assert "holds the lock, but has no statement on the server" in at_work
    parsed.run(REACTIONS, slice_size=SLICE_SIZE)
    at_work, models = status(parsed)
    assert at_work == "No run is at work."
    assert models[REACTIONS]["state"] == "landed"
    assert number(models[REACTIONS]["rows"]) == rows[0]
    assert models[REACTIONS]["seconds left"] == "-"


def test_it_answers_before_the_first_slices_are_there(parsed: ParsedProject) -> None:
    parsed.run("stg_user")
    unfinish_landings(parsed)
    parsed.sandbox.command(f"drop table {parsed.database}.stg_user sync")
    users = status(parsed)[1]["stg_user"]
    assert (users["state"], users["rows"], users["seconds left"]) == ("landing", "0", "-")


def test_it_says_what_waits_to_be_published_and_what_is(parsed: ParsedProject, backfilled: Project) -> None:
    parsed.run(*FOLLOWS, "logged_events", "pending_events")
    pending = parsed.sandbox.value(f"select count() from {parsed.database}.pending_events")
    follows = status(parsed)[1]["user_engagement_events"]
    assert (follows["metrics published"], follows["until"], follows["events published"]) == ("0 of 3", "-", "0")
    assert number(follows["events pending"]) == pending > 0
    parsed.run(*FOLLOWS, *LOG)
    models = status(parsed)[1]
    follows = models["user_engagement_events"]
    assert (follows["metrics published"], follows["events pending"]) == ("3 of 3", "0")
    assert follows["until"] == "2024-08-07 15:44:39.044"
    assert number(follows["events published"]) == pending
    assert models["tip_events"]["metrics published"].startswith("0 of ")
