"""CONTRIBUTING.md, followed: its edits are made in the order of the page, and its commands print what it shows."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPO
from parsed_project import ParsedProject, parse
from test_markdown import first_not_shown

PAGE = (REPO / "CONTRIBUTING.md").read_text()
# A block of the page, after the path of the file that it is.
BLOCK = re.compile(r"(?:^`(\S+)`\n\n)?^```(\w+)\n(.*?)^```$", re.M | re.S)
# Other tests run the demo; the environment is the one that runs this test.
OF_THE_READER = {"scripts/demo 0.1", "source .venv/bin/activate", "pre-commit install"}
WITHOUT_WARNINGS = ("--warn-error-options", "{error: all}", "--show-all-deprecations")


def edit(files: Path, diff: str) -> None:
    """Makes an edit of the page. What a hunk replaces must be there, once."""
    path, *hunks = re.split(r"^@@\n", diff.removeprefix("--- a/"), flags=re.M)
    file = files / path.strip()
    for hunk in hunks:
        old, new = (
            "".join(line[1:] for line in hunk.splitlines(keepends=True) if line[0] != other) for other in ("+", "-")
        )
        text = file.read_text()
        assert text.count(old) == 1, f"{path}{old}"
        file.write_text(text.replace(old, new))


def generate(files: Path, *options: str) -> str:
    """Runs scripts/generate.py of a copy of the project."""
    command = [sys.executable, files / "scripts" / "generate.py", *options]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout
    return done.stdout


def commands(console: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that the page shows below it."""
    for part in re.split(r"^\$ ", console, flags=re.M)[1:]:
        command, *output = part.splitlines()
        if command not in OF_THE_READER:
            yield command, output


@pytest.fixture
def contributor(changed: ParsedProject) -> ParsedProject:
    """A project that can be changed, with what scripts/generate.py writes and reads."""
    for name in ("docs", "scripts", "tests/golden"):
        shutil.copytree(REPO / name, changed.files / name)
    shutil.copy(REPO / "profiles.yml.example", changed.files)
    return changed


def test_the_page_can_be_followed(contributor: ParsedProject) -> None:
    files = contributor.files

    def printed(command: str, output: list[str]) -> str:
        program, *words = shlex.split(command)
        if program != "dbt":
            assert program == "scripts/generate.py"
            return generate(files, *words)
        contributor.manifest = parse(contributor, *WITHOUT_WARNINGS)
        # A build either publishes or fails.
        return contributor.dbt(*words, fails=not any("published (attached)" in line for line in output))

    for path, language, text in BLOCK.findall(PAGE):
        if language == "console":
            for command, output in commands(text):
                said = printed(command, output)
                wrong = first_not_shown(output, said)
                assert not wrong, f"Only the page or only {command} says: {wrong}\n{said}"
        elif language == "diff":
            edit(files, text)
        else:
            assert not (files / path).exists()
            (files / path).write_text(text)

    contract = (files / "docs" / "event-contract.md").read_text()
    assert "| User | Blocked | " in contract
    assert "| DonationGoal | Amount | " in contract
    # Nothing is left to write.
    generate(files)
