"""What tests of parity say, and the rows that they keep."""

from __future__ import annotations

import re

from conftest import REPO, Project, Sandbox
from event_log_checks import AT_ONCE, MANY_PARTITIONS

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


def damage_log(project: Project, where: str = "true") -> None:
    """Events of one metric are lost, of another there twice, and of a third counted for a fourth."""
    run, log = project.sandbox.command, project.event_log
    post, user, bounty = (f"{where} and entityType = '{name}' and metricType =" for name in ("Post", "User", "Bounty"))
    run(f"alter table {log} delete where {post} 'ReactionHeart' and entityId % 7 = 2 {AT_ONCE}")
    run(f"insert into {log} select * from {log} where {user} 'Following' and entityId % 5 = 1 {MANY_PARTITIONS}")
    run(f"alter table {log} update metricType = 'Favorite' where {bounty} 'Track' and entityId % 4 = 0 {AT_ONCE}")


def drop_parity_views(sandbox: Sandbox) -> None:
    """PostgreSQL has no view of expected counts, and the role that makes them may do what it might before."""
    sandbox.postgres("drop owned by metrics_parity cascade")
    sandbox.postgres((REPO / "scripts" / "postgres_parity_grants.sql").read_text())
