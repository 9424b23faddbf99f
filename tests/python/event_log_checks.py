"""What tests ask of an event log, and of what a run leaves beside it."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project, Sandbox

CATALOG = Path(__file__).resolve().parents[2] / "seeds" / "metric_catalog.csv"
CUTOFF = "2024-08-07 15:44:39.044"
LIVE = f"createdAt >= toDateTime64('{CUTOFF}', 3, 'UTC')"
BEFORE = f"createdAt < toDateTime64('{CUTOFF}', 3, 'UTC')"
# Columns of an event, in the order in which tests write them.
COLUMNS = "entityType, entityId, userId, metricType, metricValue, createdAt"
MANY_PARTITIONS = "settings max_partitions_per_insert_block = 0"
AT_ONCE = "settings mutations_sync = 2"

Pair = tuple[str, str]
# (entityType, metricType) → entityId → (events, sum of their values)
Totals = dict[Pair, dict[int, tuple[int, int]]]


def catalog() -> list[dict[str, str]]:
    with CATALOG.open(newline="") as file:
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


def assert_published_once(project: Project, backfilled: Project, *models: str) -> None:
    """What these models (none: all) publish is in the log and in its windows, and nothing is left beside it."""
    assert project.fingerprint() == undisturbed(backfilled, *models)
    windows = closed_windows(backfilled)
    assert closed_windows(project) == {pair: windows[pair] for pair in pairs_of(*models)}
    assert leftovers(project) == []


def nothing_due(output: str) -> bool:
    return "pending_events: nothing is due; every metric is published up to its cutoff" in output


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


def parts(project: Project, table: str = "entityMetricEvents") -> set[tuple[str, ...]]:
    """A table's parts. As long as none is added, removed or rewritten, nobody has written to it."""
    return set(
        project.sandbox.rows(
            "select partition, name, toString(modification_time), toString(uuid) from system.parts"
            f" where active and database = '{project.database}' and table = '{table}'"
        )
    )


def insert_events(project: Project, *events: tuple[str, int, int, str, int, str]) -> None:
    values = ", ".join(map(str, events))
    project.sandbox.command(f"insert into {project.event_log} ({COLUMNS}) values {values}")


def watched(project: Project, where: str = "true") -> str:
    """Hangs a materialized view off the log. Returns the table that it fills."""
    run, seen = project.sandbox.command, f"{project.database}.seen"
    run(f"create table {seen} as {project.event_log}")
    run(f"create materialized view {seen}_by_view to {seen} as select * from {project.event_log} where {where}")
    return seen


def statements_of(sandbox: Sandbox, text: str) -> list[str]:
    """Ids of the statements that run on the server and contain a text."""
    return [
        query_id
        for (query_id,) in sandbox.rows(
            f"select query_id from system.processes where position(query, '{text}') > 0 and query_id != queryID()"
        )
    ]


# What runs keep beside the models. Only what follows knows the names of such tables: to see that none is left, and to
# make by hand what no run can be brought to leave. ------------------------------------------------------------------

_LEDGER, _LANDINGS = "metric_publications", "metric_landings"
_SEAMS, _MONTHS = "entity_metric_seams", "entity_metric_months"
# A run's own table for the rows of a model.
SCRATCH = "__scratch_"
# What a run is doing, by a text in its statement.
WORK = {
    "land": "create table `{database}`.`{table}__scratch_",
    "build": "insert into `{database}`.`pending_events__scratch_",
    "work in a table of its own": SCRATCH,
    "prepare the publication": "publication__incomplete",
    "work on the publication": "publication_",
    "attach": "attach partition",
    "insert": "insert into `{database}`.`entityMetricEvents`",
    "delete": "delete from",
    "look for changed months": _MONTHS,
}


def doing(project: Project, work: str, table: str = "") -> list[str]:
    """Ids of the statements by which runs do this right now."""
    return statements_of(project.sandbox, WORK[work].format(database=project.database, table=table))


def tables(project: Project, where: str) -> list[str]:
    found = f"select name from system.tables where database = '{project.database}' and {where} order by name"
    return [name for (name,) in project.sandbox.rows(found)]


def leftovers(project: Project) -> list[str]:
    """Tables that only a run that is going on has a use for."""
    # dbt's own trial of exchanging tables is not among them.
    return tables(project, "(match(name, '[a-z]__') or match(name, '^publication_[0-9a-f]+$'))")


def unfinished(project: Project, complete: bool = True) -> list[str]:
    """Publications that are complete (or not even that), and not yet in the log as far as anybody knows."""
    return tables(project, "match(name, '^publication_[0-9a-f]{8}$')" if complete else "name like 'publication\\_%'")


def leave_behind(project: Project, run: str) -> None:
    """Whatever a run may leave that dies."""
    for table in ("stg_user__scratch", "stg_user__new", "publication__incomplete"):
        project.sandbox.command(
            f"create table if not exists {project.database}.{table}_{run[:8]} (n Int8) engine = Log"
        )


def look_alikes(project: Project) -> list[str]:
    """Makes tables that are called nearly as if a run had left them, and are somebody's own."""
    names = ["stg_user__scratch_of_mine", "user_metrics__backup"]
    for name in names:
        project.sandbox.command(f"create table {project.database}.{name} (n Int8) engine = Log")
    return names


def ledger(project: Project, where: str = "true") -> list[tuple]:
    return project.sandbox.rows(
        f"select * except at, toString(at) from {project.database}.{_LEDGER} where {where} order by all"
    )


def copy_ledger(source: Project, target: Project, where: str = "true") -> None:
    """The log of `target` holds what that of `source` does: so say the ledgers as well."""
    run, copied = target.sandbox.command, f"{target.database}.{_LEDGER}"
    run(f"create table {copied} as {source.database}.{_LEDGER}")
    of_source = f"select * replace ('{target.event_log}' as event_log) from {source.database}.{_LEDGER}"
    run(f"insert into {copied} {of_source} where {where}")


def forget_published(project: Project, where: str = "true") -> None:
    """As if nothing were published yet."""
    project.sandbox.command(f"alter table {project.database}.{_LEDGER} delete where {where} {AT_ONCE}")


def closed_windows(project: Project) -> dict[Pair, list[tuple[str, str, int]]]:
    """Windows that are published, by metric: their start, end and number of events."""
    windows: dict[Pair, list[tuple[str, str, int]]] = {}
    for entity_type, metric_type, start, end, events in project.sandbox.rows(
        f"""
        select entity_type, metric_type, toString(window_start), toString(window_end), rows
        from {project.database}.{_LEDGER}
        where kind = 'events' and state = 'published' and partition_id = ''
        order by all
        """
    ):
        windows.setdefault((entity_type, metric_type), []).append((start, end, events))
    return windows


def corrections(project: Project) -> dict[Pair, int]:
    """How many entities were corrected, by metric."""
    rows = project.sandbox.rows(
        f"select entity_type, metric_type, sum(rows) from {project.database}.{_LEDGER}"
        " where kind = 'corrections' and state = 'published' and partition_id = '' group by all"
    )
    return {(entity_type, metric_type): entities for entity_type, metric_type, entities in rows}


def enter_corrections(project: Project, entity_type: str, days: dict[str, str]) -> None:
    """Corrections of an entity type in the ledger: by day, how far they have come."""
    columns = ["event_log", "entity_type", "window_end", "state", "rows", "value_sum", "kind"]
    rows = [
        (project.event_log, entity_type, datetime.fromisoformat(f"{day}T04:00Z"), state, 7, -3, "corrections")
        for day, state in days.items()
    ]
    project.sandbox.client.insert(f"{project.database}.{_LEDGER}", rows, columns)


def copy_landed(source: Project, target: Project, where: str = "name like 'stg\\_%'") -> None:
    """Landed tables, and what is known of them."""
    for (table,) in source.sandbox.rows(
        f"select name from system.tables where database = '{source.database}' and ({where} or name = '{_LANDINGS}')"
    ):
        target.sandbox.command(f"create table {target.database}.{table} clone as {source.database}.{table}")


def unfinish_landings(project: Project, where: str = "true", of_another_layout: tuple[str, ...] = ("", "")) -> None:
    """As a killed run leaves them: begun, and not complete."""
    layout = f"if(staging_table in {of_another_layout}, 'another', layout) as layout"
    project.sandbox.command(
        f"insert into {project.database}.{_LANDINGS}"
        f" select * replace ('begun' as state, now64() as seen_at, 0 as rows, {layout}, now64() as at)"
        f" from {project.database}.{_LANDINGS} where {where}"
    )


def forget_landing(project: Project, table: str) -> None:
    project.sandbox.command(
        f"alter table {project.database}.{_LANDINGS} delete where staging_table = '{table}' {AT_ONCE}"
    )


def slow_down(project: Project, table: str, seconds_a_row: float, times: int = 1) -> None:
    """Lets a landed table take its time. No function may sleep for more than three seconds a block."""
    run, database = project.sandbox.command, project.database
    run(f"rename table {database}.{table} to {database}.{table}_kept")
    sleeps = " and ".join(f"sleepEachRow({seconds_a_row + number / 1e6}) = 0" for number in range(times))
    run(f"create view {database}.{table} as select * from {database}.{table}_kept where {sleeps}")
    # A view has no rows of its own; the ledger must not miss them.
    landed = f"select * replace (0 as rows, now64(3, 'UTC') as at) from {database}.{_LANDINGS}"
    run(f"insert into {database}.{_LANDINGS} {landed} where staging_table = '{table}'")


def seams(project: Project, state: str = "current") -> list[tuple[int, str]]:
    """Generations of sealed totals and where they end, in the order in which runs came this far with them."""
    return project.sandbox.rows(
        f"select generation, toString(boundary) from {project.database}.{_SEAMS} where state = '{state}' order by at"
    )


def changed_months(project: Project) -> int:
    """How many times a month was found to have changed."""
    return project.sandbox.value(f"select count() from {project.database}.{_MONTHS} where state = 'changed'")


def being_rebuilt(project: Project, model: str) -> int:
    """How many tables dbt keeps for new partitions of a model."""
    return len(tables(project, f"startsWith(name, '{model}__dbt_')"))
