#!/usr/bin/env python
"""Take the pictures of the README: the parity report, and the lineage in the documentation site."""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
from playwright.sync_api import Page, sync_playwright

from targets import REPOSITORY

PICTURES = REPOSITORY / "docs" / "images"
LINEAGE = "#!/overview?g_v=1&g_i=%2Btag_engagement_events%2B,%2Bpublished_events"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser_path() -> str:
    """Find the browser. Raises ClickException where there is none."""
    if found := next(filter(None, map(shutil.which, BROWSERS)), None):
        return found
    raise click.ClickException(f"There is no browser: install one of {', '.join(BROWSERS)}.")


def take(page: Page, name: str, height: int) -> None:
    """Save a strip of this height from the middle of what the page shows."""
    PICTURES.mkdir(exist_ok=True)
    width, whole = page.viewport_size["width"], page.viewport_size["height"]
    strip = {"x": 0, "y": (whole - height) / 2, "width": width, "height": height}
    page.screenshot(path=PICTURES / f"{name}.png", clip=strip)
    click.echo(f"docs/images/{name}.png")


@click.command()
def main() -> None:
    """Take both pictures of the sandbox, as scripts/demo leaves it, and save them in docs/images."""
    executable = browser_path()
    target = REPOSITORY / "target"
    report, site = target / "parity_report.html", target / "static_index.html"
    # Ctrl-C ends this script alone, in one line.
    options = {"cwd": REPOSITORY, "check": True, "start_new_session": True}
    subprocess.run([sys.executable, Path(__file__).with_name("parity_report.py"), "--output", report], **options)
    # A reader's sandbox has the default port, whichever this one has.
    report.write_text(re.sub(r"(ClickHouse at 127\.0\.0\.1):\d+", r"\1:28123", report.read_text()))
    dbt = Path(sys.executable).with_name("dbt")
    environment = os.environ | {"WITHOUT_UNIT_TESTS": "true"}
    subprocess.run([dbt, "--quiet", "docs", "generate", "--static"], env=environment, **options)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(report.as_uri())
        take(page, "parity_report", 800)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=2)
        page.goto(f"{site.as_uri()}{LINEAGE}")
        page.locator("canvas").first.wait_for()
        # The site draws the graph first and lays it out later.
        page.wait_for_timeout(3000)
        take(page, "lineage", 160)
        browser.close()


if __name__ == "__main__":
    main()
