"""Commands that cannot mean what they say: one clear error before anything is done, and nothing left behind."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from conftest import REPO, Project, Sandbox
from parsed_project import ParsedProject

PLAIN = "letters, digits and underscores"
TEXTS = [path.read_text() for path in (REPO / "macros").rglob("*.sql")] + [(REPO / "README.md").read_text()]
KNOWN = list(yaml.safe_load((REPO / "dbt_project.yml").read_text())["vars"])
# What people call by itself, as the headers of macros say it: name and arguments.
OPERATIONS = dict(
    re.search(r"dbt run-operation (\w+)(?: --args '(.*)')?", header).groups(default="{}")
    for text in TEXTS
    for header in re.findall(r"\{#(.*?)#\}", text, re.S)
    if "As a run-operation" in header
)
COMMANDS = {
    "build": ("build", "--select", "tag:tag"),
    "test": ("test", "--select", "source_parity_tag"),
    **{name: ("run-operation", name, "--args", arguments) for name, arguments in OPERATIONS.items()},
}


def made(project: Project) -> list[tuple]:
    """All tables, locks and scratch tables among them. dbt makes databases before a project can object."""
    return project.sandbox.rows("select database, name, toString(uuid) from system.tables order by all")


UNKNOWN = [("cutof", "2024-01-01", "The project has no var 'cutof'. Did you mean cutoff?")]
NO_NAME = [("event_log", "default.entityMetricEvents; drop table x", "it must be <database>.<table>, both plain names")]
POSITIVE = "must be a whole number above 0"
VERSIONS = "must be a list of model version ids"
# What every run looks at before it begins: var, value, what is said beside both.
OF_RUNS = [
    ("paritysample", 0.1, "The project has no var 'paritysample'. Did you mean parity_sample?"),
    ("event_log", "default.`entityMetricEvents`", "it must be <database>.<table>, both plain names"),
    ("event_log", "a.b.c", "it must be <database>.<table>"),
    ("event_log", "entityMetricEvents", "it must be <database>.<table>"),
    ("event_log", "system.query_log", "it must not lie in one of ClickHouse's own databases"),
    ("event_log", "INFORMATION_SCHEMA.tables", "it must not lie in one of ClickHouse's own databases"),
    ("postgres_schema", 'public"; drop', f"it must be a plain name: {PLAIN}"),
    ("postgres_collection", "a, b = 1", f"it must be a plain name: {PLAIN}"),
    ("cutoff", "next week", "it must be a time in UTC"),
    ("cutoff", "2024-02-30", "it must be a time in UTC"),
    ("cutoff", "2024-13-01", "it must be a time in UTC"),
    ("cutoff", "2024-01-01 25:00", "it must be a time in UTC"),
    ("cutoff", "", "it must be a time in UTC"),
    ("cutoff", "2999-01-01", "2999-01-01 00:00:00.000"),
    ("cutoffs", {"Image": "2999-01-01"}, "2999-01-01 00:00:00.000"),
    ("cutoffs", {"Image": "soon"}, "'soon'"),
    ("cutoffs", {"Picture": "2024-01-01"}, "names 'Picture', which is no entity type"),
    ("cutoffs", "2024-01-01", "it must map entity types to times"),
    ("on_conflict", "overwrite", "must be one of fail, replace, skip"),
    ("log_views", "fill", "must be one of stop, skip, feed"),
    ("slice_size", 0, POSITIVE),
    ("slice_size", "abc", POSITIVE),
    ("slice_size", 1.5, POSITIVE),
    ("parallel_slices", 0, POSITIVE),
    ("parallel_slices", "two", POSITIVE),
    ("lock_patience", -1, POSITIVE),
    ("excluded_generation_versions", "abc", VERSIONS),
    ("excluded_generation_versions", 12, VERSIONS),
    ("excluded_generation_versions", [1, "2 or 1 = 1"], VERSIONS),
    ("reconcile_mode", "some", "must be one of changed, full"),
    ("reconcile_limit", 2, "must be a share of the entities from 0 to 1"),
    ("settle_lag", -1, "must be a whole number of seconds, 0 or more"),
    ("reconcile_dry_run", "maybe", "must be true or false"),
]
OF_PARITY = [
    ("parity", "past", "must be one of history, present"),
    ("parity_sample", 0, "must be "),
    ("parity_sample", "all", "must be "),
    ("expected_counts", "table", "must be one of "),
]
REFUSED = [
    *((command, *bad) for command in COMMANDS for bad in UNKNOWN + NO_NAME),
    *(("build", *bad) for bad in OF_RUNS),
    *(("test", *bad) for bad in OF_PARITY),
]


@pytest.mark.parametrize(("command", "name", "value", "complaint"), REFUSED, ids=lambda value: str(value)[:30])
def test_vars_that_cannot_be_are_named(
    parsed: ParsedProject, command: str, name: str, value: object, complaint: str
) -> None:
    before = made(parsed)
    output = parsed.dbt(*COMMANDS[command], fails=True, **{name: value})
    assert output.count("Compilation Error") == 1
    assert "Traceback" not in output and "Database Error" not in output
    said = " ".join(output.split())
    assert complaint in said
    shown = value[-1] if isinstance(value, list) else value
    assert name.removesuffix("s") in said
    assert f"'{shown}'" in said or isinstance(value, dict) or str(shown) in complaint or name not in KNOWN
    assert made(parsed) == before


def test_a_database_of_models_that_is_no_plain_name_is_never_made(sandbox: Sandbox, tmp_path: Path) -> None:
    before = sandbox.rows("show databases")
    project = Project(sandbox, "my-models", tmp_path)
    output = project.dbt("run", "--select", "tag:tag", fails=True, event_log="default.entityMetricEvents")
    assert f"The database of the models is 'my-models'; it must be a plain name: {PLAIN}." in " ".join(output.split())
    assert sandbox.rows("show databases") == before


def test_an_event_log_that_does_not_exist_is_no_reason_to_make_one(parsed: ParsedProject) -> None:
    missing = f"{parsed.database}.entityMetricEvent"
    before = made(parsed)
    said = " ".join(parsed.backfill(fails=True, event_log=missing).split())
    create = f"dbt run-operation create_event_log --vars '{{event_log: {missing}}}'"
    assert f"There is no event log {missing}. Nothing was changed." in said and create in said
    assert made(parsed) == before
    for operation in ("remove_metric", "release_event_log"):
        said = " ".join(parsed.dbt(*COMMANDS[operation], fails=True, event_log=missing).split())
        assert f"There is no event log {missing}. Nothing was changed." in said
        assert made(parsed) == before
    parsed.dbt("run-operation", "create_event_log", event_log=missing)
    parsed.dbt("run", "--select", "tag:tag", event_log=missing)
    assert parsed.sandbox.value(f"select count() from {missing}") > 0


@pytest.mark.parametrize("options", [("--empty",), ("--sample", "3 days")], ids=["empty", "sample"])
def test_a_run_of_some_rows_only_is_refused(parsed: ParsedProject, options: tuple[str, ...]) -> None:
    before = made(parsed)
    output = parsed.dbt("build", "--select", "tag:backfill", *options, fails=True)
    assert f"{options[0]} leaves out rows" in output
    assert made(parsed) == before


def test_a_selection_of_nothing_is_an_error(parsed: ParsedProject) -> None:
    assert "'tag:tga' does not match any enabled nodes" in parsed.dbt("build", "--select", "tag:tga", fails=True)


def test_only_expected_counts_are_made_in_postgres(project: Project) -> None:
    before = made(project)
    said = project.dbt("run", "--target", "postgres", "--select", "stg_tag", "expected_tag", fails=True)
    assert "dbt run --target postgres --select tag:parity. stg_tag belongs to ClickHouse." in " ".join(said.split())
    for command in (("seed",), COMMANDS["create_event_log"]):
        said = project.dbt(*command, "--target", "postgres", fails=True)
        assert "belong" in said and "to ClickHouse" in " ".join(said.split())
    assert made(project) == before
    assert project.sandbox.postgres("select count(*) from pg_tables where schemaname = 'metric_parity'") == [(0,)]


def test_all_vars_of_the_project_are_known(parsed: ParsedProject) -> None:
    compiled = parsed.dbt("compile", "--inline", "{{ known_vars() }}")
    assert ast.literal_eval(compiled[compiled.index("[") : compiled.rindex("]") + 1]) == KNOWN


def test_every_run_operation_that_is_named_anywhere_is_one_of_those_tested_here() -> None:
    assert {name for text in TEXTS for name in re.findall(r"dbt run-operation (\w+)", text)} == set(OPERATIONS)
