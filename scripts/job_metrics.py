"""What a run of a job tells Prometheus: from dbt's results, the project's ledgers and tables, and a push's summary."""

import json
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

from clickhouse_connect.driver import Client
from prometheus_client import write_to_textfile
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

PREFIX = "entity_metrics_"
STAGES = ("landing", "events", "pending", "audit", "published", "marts")
STATUSES = ("pass", "warn", "fail", "error", "skipped")
VERDICTS = ("passed", "failed", "not_run")
# What the ledger calls that which a job publishes.
KINDS = {"backfill": "events", "reconcile": "corrections"}
# The tests that decide whether something is published, beside those of this folder.
AUDIT, AUDIT_FOLDER = ("source_parity", "corrections_agree"), "tests/audit/"


class Metric(NamedTuple):
    """The labels of a metric beside task, and what it says."""

    labels: tuple[str, ...]
    help: str


# By name without the prefix. All are gauges of the last run, but for what ends with _total. The label is task, since
# Prometheus gives job a meaning of its own.
METRICS = {
    "run_started_timestamp_seconds": Metric((), "When the last run began."),
    "run_ended_timestamp_seconds": Metric((), "When the last run that ended did so."),
    "run_duration_seconds": Metric((), "How long the last run that ended took."),
    "run_exit_code": Metric((), "Exit code of the last run that ended; 128 and the number of a signal that ended it."),
    "run_last_success_timestamp_seconds": Metric((), "When a run last ended with exit code 0. Runs that fail keep it."),
    "stage_duration_seconds": Metric(("stage",), "Seconds from the start of a stage to its end."),
    "stage_rows": Metric(
        ("stage",),
        "landing, pending, marts: rows in the tables of the stage. audit: rows that its tests found."
        " published: events that the run put into the log.",
    ),
    "tests": Metric(("status",), "dbt's data and unit tests by how they ended."),
    "audit_verdict": Metric(("verdict",), "1 for the verdict of the run's audit, 0 for the others."),
    "audit_differences": Metric(("entity_type",), "Entities and metrics that differ from what PostgreSQL counts."),
    "published_events": Metric(("entity_type",), "Events that the run put into the log."),
    "published_events_total": Metric(("entity_type",), "Events that all runs have put into the log, by the ledger."),
    "drift_found": Metric(("entity_type",), "Entities and metrics whose events did not add up to PostgreSQL's rows."),
    "drift_repaired": Metric(("entity_type",), "Those of them that the run corrected."),
    "oldest_look_timestamp_seconds": Metric(
        ("table",), "When that slice of a staging table was landed or compared for which this is longest ago."
    ),
    "push_keys": Metric(("result",), "Keys in Redis that the push wrote, left as they are, or failed to write."),
}  # fmt: skip
# What a run that says nothing of it leaves as it was.
KEPT = ("run_last_success_timestamp_seconds", "published_events_total")

# The rows that tables hold; views have none of their own.
TABLES = "select name, total_rows from system.tables where database = currentDatabase() and total_rows is not null"
PUBLISHED = """
select
    entity_type,
    sum(rows),
    sumIf(rows, invocation_id = {run:String})
from metric_publications
where kind = {kind:String} and state = 'published' and partition_id = ''
group by entity_type
"""
# Of each entity type that was compared, even where nothing was found.
DRIFT = """
select
    entity_type,
    sum(found)
from (
    select entity_type, 0 as found
    from metric_publications
    where kind = 'corrections' and state = 'pending' and publication = {run:String}
    union all
    select toString(entityType), 1
    from pending_corrections
)
group by entity_type
"""
# Of the slices that a table still has.
OLDEST_LOOKS = """
select
    staging_table,
    toFloat64(min(look))
from (
    select staging_table, slice, max(looked_at) as look
    from metric_looks
    group by staging_table, slice
)
where (staging_table, toString(slice)) in (
    select table, replace(partition_id, 'all', '0') from system.parts where active and database = currentDatabase()
)
group by staging_table
"""

# By name of the metric, without the prefix, and values of its labels.
Values = dict[tuple[str, ...], float]


def read(file: Path) -> Values:
    """What a file of metrics says; nothing where there is none. Raises ValueError where it is no such file."""
    values: Values = {}
    for family in text_string_to_metric_families(file.read_text() if file.exists() else ""):
        for sample in family.samples:
            name = sample.name.removeprefix(PREFIX)
            if name in METRICS:
                values[name, *(sample.labels[label] for label in METRICS[name].labels)] = sample.value
    return values


def write(file: Path, task: str, values: Values) -> None:
    """Write a file of metrics. Whoever reads it meanwhile sees the old one or the new one, whole."""
    families = []
    for name, (labels, text) in METRICS.items():
        family_of = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
        family = family_of(PREFIX + name, text, labels=("task", *labels))
        for (of_metric, *of_labels), value in values.items():
            if of_metric == name:
                family.add_metric([task, *of_labels], value)
        families += [family] if family.samples else []
    write_to_textfile(str(file), SimpleNamespace(collect=lambda: families))


class Results:
    """What dbt says of a run, in its own files. Raises FileNotFoundError or ValueError where it wrote none."""

    def __init__(self, folder: Path) -> None:
        said = json.loads((folder / "run_results.json").read_text())
        manifest = json.loads((folder / "manifest.json").read_text())
        self.run, self.nodes = said["metadata"]["invocation_id"], manifest["nodes"] | manifest["unit_tests"]
        self.results = [result for result in said["results"] if result["unique_id"] in self.nodes]
        self.tests = [result for result in self.results if self._of(result)["resource_type"].endswith("test")]
        self.built = {self._of(result)["name"]: result for result in self.results if result["status"] == "success"}

    def _of(self, result: dict) -> dict:
        return self.nodes[result["unique_id"]]

    def stage(self, result: dict) -> str | None:
        """The stage that a model or test belongs to."""
        node = self._of(result)
        if node["resource_type"] == "model":
            room, name = node["fqn"][1], node["name"]
            of_log = {"pending": "pending", "published": "published"}.get(name.split("_")[0])
            return {"staging": "landing", "events": "events", "log": of_log, "marts": "marts"}.get(room)
        test = (node.get("test_metadata") or {}).get("name")
        return "audit" if test in AUDIT or node["original_file_path"].startswith(AUDIT_FOLDER) else None

    def entity_type(self, result: dict) -> str:
        """The entity type of a test of parity."""
        return self.nodes[self._of(result)["attached_node"]]["config"]["meta"]["entity_type"]


def verdict(statuses: list[str]) -> str:
    """The verdict of tests that ended so: one that was skipped might have failed."""
    if {"fail", "error"} & set(statuses):
        return "failed"
    return "not_run" if not statuses or "skipped" in statuses else "passed"


def with_verdict(said: str) -> Values:
    """A verdict as values."""
    return {("audit_verdict", name): float(name == said) for name in VERDICTS}


def of_dbt(task: str, results: Results) -> Values:
    """What dbt's results say."""
    values: Values = {("tests", status): 0.0 for status in STATUSES}
    for result in results.tests:
        values["tests", result["status"]] += 1
    for stage in STAGES:
        members = [result for result in results.results if results.stage(result) == stage]
        times = [
            datetime.fromisoformat(timing[moment])
            for result in members
            for timing in result["timing"]
            for moment in ("started_at", "completed_at")
        ]
        if times:
            values["stage_duration_seconds", stage] = (max(times) - min(times)).total_seconds()
        if stage == "audit" and times:
            values["stage_rows", stage] = float(sum(result["failures"] or 0 for result in members))
    # dbt test is an audit of the log as it is: all of its tests are.
    audit = [test for test in results.tests if task == "parity" or results.stage(test) == "audit"]
    if task in (*KINDS, "parity"):
        values |= with_verdict(verdict([test["status"] for test in audit]))
        for test in audit:
            name = (results.nodes[test["unique_id"]].get("test_metadata") or {}).get("name")
            if name in AUDIT and test["status"] in ("pass", "fail"):
                of_type = "audit_differences", results.entity_type(test)
                values[of_type] = values.get(of_type, 0) + test["failures"]
    return values


def of_log(task: str, results: Results, client: Client) -> Values:
    """What the project's ledgers and tables say of a run."""
    values: Values = {}
    rows_of = dict(client.query(TABLES).result_rows)
    for name, result in results.built.items():
        stage = results.stage(result)
        if stage and name in rows_of:
            values["stage_rows", stage] = values.get(("stage_rows", stage), 0.0) + rows_of[name]
    if task in KINDS:
        asked = {"run": results.run, "kind": KINDS[task]}
        repaired = {}
        for entity_type, total, by_run in client.query(PUBLISHED, asked).result_rows:
            values["published_events_total", entity_type] = total
            values["published_events", entity_type] = repaired[entity_type] = by_run
        values["stage_rows", "published"] = float(sum(repaired.values()))
        if task == "reconcile" and "pending_corrections" in results.built:
            for entity_type, found in client.query(DRIFT, asked).result_rows:
                values["drift_found", entity_type] = found
                values["drift_repaired", entity_type] = repaired.get(entity_type, 0.0)
            for table, look in client.query(OLDEST_LOOKS).result_rows:
                values["oldest_look_timestamp_seconds", table] = look
    return values


def of_push(summary: Path) -> Values:
    """What a push says of its keys; nothing where it did not get that far."""
    try:
        counts = json.loads(summary.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {("push_keys", result): number for result, number in counts.items()}
