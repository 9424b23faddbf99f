"""What tests ask of an event log, and of what a run leaves beside it."""

from __future__ import annotations

import csv

from conftest import REPO, Project, Sandbox

CUTOFF = "2024-08-07 15:44:39.044"
LIVE = f"createdAt >= toDateTime64('{CUTOFF}', 3, 'UTC')"
BEFORE = f"createdAt < toDateTime64('{CUTOFF}', 3, 'UTC')"

Pair = tuple[str, str]
# (entityType, metricType) → entityId → (events, sum of their values)
Totals = dict[Pair, dict[int, tuple[int, int]]]


def catalog() -> list[dict[str, str]]:
    with (REPO / "seeds" / "metric_catalog.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def pairs_of(*models: str) -> list[Pair]:
    """The metrics of events models, or of all of them."""
    return [
        (row["entity_type"], row["metric_type"])
        for row in catalog()
        if not models or f"{row['events_model']}_events" in models
    ]


def of_pairs(pairs: list[Pair]) -> str:
    """SQL: the event belongs to one of these metrics."""
    return "(entityType, metricType) in (" + ", ".join(f"('{entity}', '{metric}')" for entity, metric in pairs) + ")"


def undisturbed(backfilled: Project, *models: str) -> tuple:
    """Fingerprint that a log has which holds the live events and everything that these models publish."""
    return backfilled.fingerprint(f"{LIVE} or {of_pairs(pairs_of(*models))}")


def totals(project: Project, where: str = BEFORE) -> Totals:
    """Number of events and sum of their values, by metric and entity."""
    found: Totals = {}
    for entity_type, metric_type, entity_id, events, value in project.sandbox.rows(
        f"""
        select toString(entityType), toString(metricType), toInt64(entityId), count(), toInt64(sum(metricValue))
        from {project.event_log}
        where {where}
        group by all
        """
    ):
        found.setdefault((entity_type, metric_type), {})[entity_id] = (events, value)
    return found


def leftovers(project: Project) -> list[str]:
    """Tables that only a run that is going on has a use for."""
    # dbt's own trial of exchanging tables is not among them.
    of_a_run = "(match(name, '[a-z]__') or match(name, '^publication_[0-9a-f]+$'))"
    tables = f"select name from system.tables where database = '{project.database}' and {of_a_run} order by name"
    return [name for (name,) in project.sandbox.rows(tables)]


def ledger(project: Project, where: str = "true") -> list[tuple]:
    return project.sandbox.rows(
        f"select * except at, toString(at) from {project.database}.metric_publications where {where} order by all"
    )


def closed_windows(project: Project) -> dict[Pair, list[tuple[str, str, int]]]:
    """Windows that the ledger calls done, by metric: their start, end and number of events."""
    windows: dict[Pair, list[tuple[str, str, int]]] = {}
    for entity_type, metric_type, start, end, events in project.sandbox.rows(
        f"""
        select entity_type, metric_type, toString(window_start), toString(window_end), rows
        from {project.database}.metric_publications
        where kind = 'events' and state = 'published' and partition_id = ''
        order by all
        """
    ):
        windows.setdefault((entity_type, metric_type), []).append((start, end, events))
    return windows


def parts(project: Project) -> set[tuple[str, ...]]:
    """The log's parts. As long as none is added, removed or rewritten, nobody has written to the log."""
    return set(
        project.sandbox.rows(
            f"select name, toString(modification_time), toString(uuid) from system.parts where active"
            f" and database = '{project.database}' and table = 'entityMetricEvents'"
        )
    )


def slow_down(project: Project, table: str, seconds_a_row: float, times: int = 1) -> None:
    """Lets a landed table take its time. No function may sleep for more than three seconds a block."""
    run, database = project.sandbox.command, project.database
    run(f"rename table {database}.{table} to {database}.{table}_kept")
    sleeps = " and ".join(f"sleepEachRow({seconds_a_row + number / 1e6}) = 0" for number in range(times))
    run(f"create view {database}.{table} as select * from {database}.{table}_kept where {sleeps}")
    # A view has no rows of its own; the ledger must not miss them.
    landed = f"select * replace (0 as rows, now64(3, 'UTC') as at) from {database}.metric_landings"
    run(f"insert into {database}.metric_landings {landed} where staging_table = '{table}'")


def statements_of(sandbox: Sandbox, text: str) -> list[str]:
    """Ids of the statements that run on the server and contain a text."""
    return [
        query_id
        for (query_id,) in sandbox.rows(
            f"select query_id from system.processes where position(query, '{text}') > 0 and query_id != queryID()"
        )
    ]
