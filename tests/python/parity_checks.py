"""What tests of parity say, and the rows that they keep."""

from __future__ import annotations

import re

from conftest import Project

FOUND = re.compile(r"(\w+) (\w+): (\d+) missing, (\d+) extra, (\d+) too low, (\d+) too high; worst: (.+)")


def found(output: str) -> dict[str, tuple[int, ...]]:
    """What a run of the tests says of each metric: entities missing, extra, too low, too high."""
    return {f"{line[1]} {line[2]}": tuple(map(int, line.group(3, 4, 5, 6))) for line in FOUND.finditer(output)}


def differences(project: Project) -> set[tuple]:
    """The rows that the tests of source parity keep."""
    tables = (
        f"select name from system.tables where database = '{project.database}_failures' and name like 'source_parity%'"
    )
    rows: set[tuple] = set()
    for (table,) in project.sandbox.rows(tables):
        rows |= set(project.sandbox.rows(f"select * from {project.database}_failures.{table}"))
    return rows
