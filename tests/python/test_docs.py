"""The documentation site: one file, made and opened without a network."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from unittest import mock

import pytest
from conftest import REPO, Project
from parsed_project import ParsedProject
from playwright.sync_api import expect, sync_playwright
from test_parity_report import ARGUMENTS

from screenshots import browser_path

# The lineage of a cache, from the source tables on.
LINEAGE = "#!/exposure/exposure.entity_metrics.entity_metrics_cache?g_v=1&g_i=%2Bexposure:entity_metrics_cache"
# How many pixels of the graph are not background.
DRAWN = """
canvases => Math.max(...canvases.map(canvas => {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
    return pixels.filter((value, index) => index % 4 === 3 && value > 0).length
}))
"""


def test_lineage_runs_from_the_sources_through_every_events_model_to_the_caches(site: Path) -> None:
    manifest = json.loads((site.parent / "manifest.json").read_text())

    def upstream(unique_id: str) -> set[str]:
        parents = manifest["parent_map"][unique_id]
        return set(parents).union(*map(upstream, parents))

    project = "entity_metrics"
    found = upstream(f"exposure.{project}.entity_metrics_cache")
    events = {f"model.{project}.{path.stem}" for path in (REPO / "models" / "events").glob("*.sql")}
    assert events <= found
    assert {f"source.{project}.postgres.ImageReaction", f"source.{project}.orchestration.jobs"} <= found
    reactions = upstream(f"exposure.{project}.reactions_cache")
    assert f"source.{project}.postgres.ImageReaction" in reactions


@pytest.fixture(scope="module")
def site(backfilled: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("docs")
    project = Project(backfilled.sandbox, backfilled.database, target, backfilled.vars)
    with mock.patch.dict(os.environ, {"WITHOUT_UNIT_TESTS": "true"}):
        project.dbt("docs", "generate", "--static", "--write-json")
    return target / "static_index.html"


def test_the_overview_links_to_nodes_that_exist(site: Path) -> None:
    manifest = json.loads((site.parent / "manifest.json").read_text())
    overview = (REPO / "models" / "overview.md").read_text()
    linked = re.findall(r"#!/\w+/([\w.]+)|g_i=\d?%2B(?:exposure:)?(\w+)", overview)
    assert linked
    known = [*manifest["nodes"], *manifest["exposures"]]
    assert [
        names for names in linked if not any(id.endswith(f".{''.join(names).split('.')[-1]}") for id in known)
    ] == []


def test_unit_tests_are_left_out_of_the_site_and_of_nothing_else(site: Path, parsed_once: ParsedProject) -> None:
    assert not json.loads((site.parent / "manifest.json").read_text())["unit_tests"]
    assert parsed_once.manifest.unit_tests


def test_the_site_opens_offline_and_draws_the_lineage(site: Path) -> None:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path(), headless=True, args=ARGUMENTS)
        page = browser.new_context(offline=True, viewport={"width": 1500, "height": 900}).new_page()
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{site.as_uri()}{LINEAGE}")
        expect(page.locator("canvas").first).to_be_visible(timeout=20_000)
        page.wait_for_timeout(1000)
        assert page.locator("canvas").evaluate_all(DRAWN) > 10_000
        page.goto(f"{site.as_uri()}#!/overview")
        expect(page.locator("body")).to_contain_text("This project writes the history")
        page.goto(f"{site.as_uri()}#!/model/model.entity_metrics.user_metrics")
        expect(page.locator("body")).to_contain_text("engagementScore")
        browser.close()
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []
