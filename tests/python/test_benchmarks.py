"""The benchmarks: what they compare, what they say of the aims, and the page that shows it. scripts/test runs them."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from conftest import Sandbox, drop_databases

from benchmarks import jobs, page, servers

MEASURED = json.loads(page.MEASURED.read_text())
EVENT = "('Image', %s, %s, 'Buzz', %s, '2024-01-01 00:00:00.000')"


def at_scale(scale: float, **seconds: float) -> jobs.Result:
    taken = {jobs.USUAL: 100 * scale, jobs.BACKFILL: 10 * scale, jobs.PUSH: scale} | seconds
    return {"scale": scale, "events": 2e6 * scale, "keys": 1e6 * scale, "seconds": taken}


def test_the_page_shows_what_was_measured() -> None:
    assert page.filled(page.PAGE.read_text(), MEASURED) == page.PAGE.read_text()
    for table in page.tables(MEASURED).values():
        assert table in page.PAGE.read_text()


def test_charts_are_drawn() -> None:
    for name, spec in page.pictures(MEASURED).items():
        assert page.drawn(spec).startswith("<svg")
        assert (page.PICTURES / f"{name}.svg").exists()


def test_aims_are_judged_by_the_largest_scale_and_by_growth() -> None:
    met = {aim: met for aim, _, met in jobs.aims([at_scale(8, marts=8), at_scale(2, marts=2)])}
    assert len(met) == 2
    assert all(met.values())
    missed = jobs.aims([at_scale(8, marts=10, backfill=81), at_scale(2, marts=2)])
    assert [(value, met) for _, value, met in missed] == [("0.101 at scale 8", False), ("marts by 1.25", False)]


def test_the_usual_way_must_write_the_same_events(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "TARGET", tmp_path)
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    one, other = (f"bench_{name}.entityMetricEvents" for name in ("one", "other"))
    try:
        for name, value in (("one", 3), ("other", 4)):
            servers.new_log(sandbox.client, f"bench_{name}")
            for row in ((1, 2, value), (5, 6, 7)):
                sandbox.command(f"insert into bench_{name}.entityMetricEvents values {EVENT % row}")
        with pytest.raises(click.ClickException, match=r"(?s)same events:.*'Image', 'Buzz', '202401', 2, 10, 2, 11"):
            jobs.check_same_events(sandbox.client, one, other)
    finally:
        for name in ("one", "other"):
            drop_databases(sandbox, f"bench_{name}")
