"""What a reviewer is shown: each metric's query on its own, the golden SQL, and the explanation of a number."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import REPO, Project, run_program
from event_log_checks import BEFORE, LIVE, Pair, catalog, of_pairs, pairs_of, totals
from parsed_project import ParsedProject, fork

import dbt_sql
import explain_metric

Explain = Callable[..., str]
SHOWN = re.compile(r"^-- (\w+) (\w+), from (\w+)\n", re.M)


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Compiled(NamedTuple):
    """What dbt compiled for the undisturbed backfill: the models' SQL, and the analyses' by file and metric."""

    manifest: dict
    models: dict[str, str]
    analyses: dict[str, str]

    def sources_of(self, model: str) -> set[str]:
        """The source tables that a model reads, itself or through staging."""
        found = set()
        for unique_id in self.manifest["nodes"][model]["depends_on"]["nodes"]:
            staged = self.manifest["nodes"].get(unique_id)
            found.add(self.manifest["sources"][staged["depends_on"]["nodes"][0] if staged else unique_id]["name"])
        return found

    def shown(self) -> list[tuple[str, Pair, str, str]]:
        """Every query of the analyses: the file, the metric, the model it is said to be from, the SQL."""
        found = []
        for name, text in self.analyses.items():
            _, *parts = SHOWN.split(text.strip())
            for entity_type, metric_type, model, sql in zip(*(parts[n::4] for n in range(4)), strict=True):
                assert sql.count(";") == 1
                assert sql.strip().endswith(";")
                found.append((name, (entity_type, metric_type), model, sql.strip().rstrip(";")))
        return found


@pytest.fixture(scope="module")
def compiled(backfilled: ParsedProject) -> Compiled:
    rooms = {"models": "models/events", "analyses": "analyses/events"}
    selected = [f"path:{folder}" for folder in rooms.values()]
    run = backfilled.start("compile", "--write-json", "--indirect-selection", "empty", "--select", *selected)
    assert run.wait() == 0, run.output
    root = run.log.parent / "compiled" / "entity_metrics"
    texts = {
        room: {path.stem: path.read_text() for path in sorted((root / folder).glob("*.sql"))}
        for room, folder in rooms.items()
    }
    return Compiled(json.loads(run.log.with_name("manifest.json").read_text()), **texts)


# Each metric's query on its own ----------------------------------------------------------------------------------


def test_every_metric_is_shown_once_below_its_entity_type(compiled: Compiled) -> None:
    shown = [(name, pair) for name, pair, _, _ in compiled.shown()]
    assert sorted(shown) == sorted(
        (snake_case(entity_type), (entity_type, metric)) for entity_type, metric in pairs_of()
    )


def test_each_query_gives_the_rows_of_its_model(backfilled: Project, compiled: Compiled) -> None:
    fingerprint = """
        count(),
        sum(cityHash64(
            toString(entityType), toInt64(entityId), toInt64(userId), toString(metricType), toInt64(metricValue),
            toUnixTimestamp64Milli(toDateTime64(createdAt, 3, 'UTC'))
        ))
    """
    of_models = {}
    for model, sql in compiled.models.items():
        by_pair = f"select toString(entityType), toString(metricType), {fingerprint} from (\n{sql}\n) group by 1, 2"
        for entity_type, metric_type, *found in backfilled.sandbox.rows(by_pair):
            of_models[model, (entity_type, metric_type)] = tuple(found)
    of_queries = {}
    for name in compiled.analyses:
        each = [
            f"select '{model}', '{pair[0]}', '{pair[1]}', {fingerprint} from (\n{sql}\n)"
            for file, pair, model, sql in compiled.shown()
            if file == name
        ]
        for model, entity_type, metric_type, *found in backfilled.sandbox.rows("\nunion all\n".join(each)):
            of_queries[model, (entity_type, metric_type)] = tuple(found)
    assert all(count > 0 for count, _ in of_queries.values())
    assert of_queries == of_models


def test_the_catalog_names_the_tables_that_a_metric_is_made_from(compiled: Compiled) -> None:
    """All that a model reads but to see that entities exist."""
    for model in {row["events_model"] for row in catalog()}:
        rows = [row for row in catalog() if row["events_model"] == model]
        named = {re.sub(r"^.*\.| .*", "", table) for row in rows for table in row["source_tables"].split(", ")}
        read = compiled.sources_of(f"model.entity_metrics.{model}_events")
        assert named <= read <= named | {row["entity_type"] for row in rows}, model


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("metric_queries('Tag', reads=[ref('stg_tag')])", r"depends_on: \{\{ ref\('stg_tag_engagement'\) \}\}"),
        ("metric_queries('Tags', reads=[])", "No events model has metrics of the entity type 'Tags'."),
        ("metric_query('Tag', 'Followers')", "No events model has the metric Tag Followers."),
    ],
)
def test_what_cannot_be_shown_is_named(parsed: ParsedProject, call: str, message: str) -> None:
    printed = parsed.dbt("compile", "--no-introspect", "--inline", f"{{{{ {call} }}}}", fails=True)
    assert re.search(message, printed)


def test_of_metrics_that_all_count_a_user_once_the_earliest_event_of_each_user_remains(parsed: ParsedProject) -> None:
    query = """
        with vote as (
            select 7 as tagId, 1 + number % 2 as userId, number < 3 as up,
                addDays(toDateTime64('2024-01-01', 3), -number) as createdAt
            from numbers(6)
        )
        {{ metric_events('vote', metrics=[
            metric('Tag', 'Up', entity_id='tagId', when='up', once_per_user=true, entity_joined=true),
            metric('Tag', 'Down', entity_id='tagId', when='not up', once_per_user=true, entity_joined=true),
        ]) }}
    """
    shown = parsed.dbt("show", "--inline", query, "--output", "json", "--limit", "99")
    events = json.loads(shown[shown.index("{\n") :])["show"]
    assert sorted((event["metricType"], event["userId"], event["createdAt"][:10]) for event in events) == [
        ("Down", 1, "2023-12-28"),
        ("Down", 2, "2023-12-27"),
        ("Up", 1, "2023-12-30"),
        ("Up", 2, "2023-12-31"),
    ]


def test_the_source_rows_that_count_are_the_events(backfilled: ParsedProject, compiled: Compiled) -> None:
    nodes = compiled.manifest["nodes"].values()
    staging = [node["name"] for node in nodes if node["name"].startswith("stg_") and node["resource_type"] == "model"]
    reads = "\n".join(f"-- depends_on: {{{{ ref('{name}') }}}}" for name in staging)
    queries = "\n;\n".join(f"{{{{ metric_rows_query('{entity}', '{metric}') }}}}" for entity, metric in pairs_of())
    run = backfilled.start("compile", "--no-introspect", "--inline", f"{reads}\n;\n{queries}")
    assert run.wait() == 0, run.output
    (inline,) = (run.log.parent / "compiled" / "entity_metrics").rglob("inline_query*")
    _, *rows_queries = inline.read_text().split("\n;\n")
    logged = totals(backfilled)
    for pair, sql in zip(pairs_of(), rows_queries, strict=True):
        events = {entity_id: count for entity_id, (count, _) in logged[pair].items()}
        entities = {1, max(events, key=events.__getitem__)}
        each = [
            f"select {entity_id}, countIf(counts = 'yes') from (\n{sql.replace('{entity_id:Int64}', str(entity_id))}\n)"
            for entity_id in entities
        ]
        counted = backfilled.sandbox.rows("\nunion all\n".join(each))
        assert dict(counted) == {entity_id: events.get(entity_id, 0) for entity_id in entities}, pair


# Generated files ------------------------------------------------------------------------------------------------------


def generate(repository: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the command of a copy of the repository, in an environment that must not show in the SQL."""
    return subprocess.run(
        [sys.executable, str(repository / "scripts" / "generate.py"), *options],
        env={**os.environ, "CLICKHOUSE_HOST": "nowhere.invalid", "CLICKHOUSE_DATABASE": "mine", "DBT_TARGET": "mine"},
        text=True,
        capture_output=True,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project that a test may change."""
    copied = tmp_path / "project"
    for name in ("analyses", "docs", "macros", "models", "scripts", "seeds", "tests"):
        shutil.copytree(REPO / name, copied / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".dbtignore", "dbt_project.yml", "profiles.yml.example", "selectors.yml"):
        shutil.copy(REPO / name, copied / name)
    return copied


def test_a_changed_macro_is_shown_as_the_sql_that_it_changes(copy: Path) -> None:
    macro, golden = copy / "macros" / "events" / "metric_events.sql", copy / "tests" / "golden"
    macro.write_text(
        macro.read_text().replace("arrayFilter(event -> event.1 > 0, [", "arrayFilter(event -> event.1 >= 1, [")
    )
    surplus, missing = golden / "models" / "events" / "gone_events.sql", golden / "models" / "staging" / "stg_tag.sql"
    surplus.write_text("select 1\n")
    missing_sql = missing.read_text()
    missing.unlink()

    done = generate(copy)
    assert done.returncode == 1
    # Models with one metric are plain selects, and so is every metric by itself.
    changed = {
        f"models/events/{path.name}"
        for path in (golden / "models" / "events").glob("*.sql")
        if "array" in path.read_text()
    } - {"models/events/gone_events.sql"}
    assert 10 < len(changed) < len(list((REPO / "models" / "events").glob("*.sql")))
    assert set(re.findall(r"^--- a/tests/golden/(.*)$", done.stdout, re.M)) == changed | {
        "models/events/gone_events.sql"
    }
    assert set(re.findall(r"^\+\+\+ b/tests/golden/(.*)$", done.stdout, re.M)) == changed | {
        "models/staging/stg_tag.sql"
    }
    assert re.search(r"^-( +)arrayJoin.*event.1 > 0, \[\n\+\1arrayJoin.*event.1 >= 1, \[\n", done.stdout, re.M)
    assert "-select 1\n" in done.stdout
    assert f"{len(changed) + 2} generated files out of date." in done.stderr
    assert "scripts/generate.py --write" in done.stderr

    assert generate(copy, "--write").returncode == 0
    assert not surplus.exists()
    assert missing.read_text() == missing_sql
    assert "event.1 >= 1" in (golden / "models" / "events" / "tag_engagement_events.sql").read_text()


def test_dbt_knows_what_a_change_modifies(changed: ParsedProject, tmp_path: Path) -> None:
    """As continuous integration elsewhere asks it: dbt build --select state:modified+ --state <of the main branch>."""
    changed.manifest.writable_manifest().write(str(tmp_path / "manifest.json"))
    changed.change("macros/events/metric_events.sql", "event.1 > 0", "event.1 >= 1")
    changed.change("models/marts/totals/entity_metric_totals.sql", "select", "select -- changed")
    listed = changed.dbt(
        *("--quiet", "ls", "--resource-type", "model", "--output", "name"),
        *("--select", "state:modified", "--state", str(tmp_path)),
    ).split()
    events = {path.stem for path in (REPO / "models" / "events").glob("*.sql")}
    assert set(listed) == events | {"entity_metric_totals"}


def test_a_project_that_does_not_compile_is_an_error(copy: Path) -> None:
    (copy / "models" / "events" / "tag_engagement_events.sql").write_text("select * from {{ ref('nothing') }}")
    done = generate(copy)
    assert done.returncode == 1
    assert "The project does not compile." in done.stderr
    assert "nothing" in done.stderr


# Explaining a number ---------------------------------------------------------------------------------------------


def parts_of(output: str) -> dict[str, str]:
    """The parts of an explanation by their titles; the last line, which says what was looked at, is none of them."""
    _, *parts = re.split(r"^── (.*)\n", re.sub(r"^Event log .*\n\Z", "", output, flags=re.M), flags=re.M)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.fixture(scope="module")
def explain(backfilled: ParsedProject, tmp_path_factory: pytest.TempPathFactory) -> Explain:
    """As the command line does, in processes that need not parse the project anew."""
    folder, numbers = tmp_path_factory.mktemp("explained"), itertools.count()

    def main(project: ParsedProject, arguments: tuple[str, ...]) -> int:
        os.environ.update(project.environment())
        dbt_sql.parse = lambda target, variables: project.own_manifest()
        try:
            explain_metric.main(arguments)
        except SystemExit as end:
            return end.code

    def explain(*arguments: str, project: Project = backfilled, exit_code: int = 0, **vars: object) -> str:
        given = json.dumps({"event_log": project.event_log} | vars)
        run = fork(lambda: main(project, (*arguments, "--vars", given)), folder / str(next(numbers)))
        assert run.wait() == exit_code, run.output
        assert backfilled.sandbox.env["CLICKHOUSE_PASSWORD"] not in run.output
        return run.output

    return explain


def test_a_metric_that_counts_a_user_once(backfilled: Project) -> None:
    program = (REPO / "scripts" / "explain_metric.py", "--vars", f"{{event_log: {backfilled.event_log}}}")
    code, output = run_program(*program, "Model", "ThumbsUp", "--id", "1", env=backfilled.environment())
    assert code == 0, output
    assert backfilled.sandbox.env["CLICKHOUSE_PASSWORD"] not in output
    parts = parts_of(output)
    catalog = parts["Model ThumbsUp: the catalog"]
    assert re.search(r"^legacy_column +ModelMetric.thumbsUpCount$", catalog, re.M)
    reads = parts["What it reads"]
    assert re.search(r"^postgres\.ResourceReview: .*\n(    .*\n)*    recommended +Bool +Thumbs up", reads, re.M)
    assert re.search(r"^postgres\.Model: .*\n    id +Int32 .*\n\n", reads, re.M)
    assert "stg_resource_review" in parts["Its query, from models/events/resource_review_events.sql"]

    of_model_1 = f"entityId = 1 and {of_pairs([('Model', 'ThumbsUp')])}"
    events, live = (
        backfilled.sandbox.value(f"select count() from {backfilled.event_log} where {of_model_1} and {when}")
        for when in (BEFORE, LIVE)
    )
    rows = parts["Source rows of Model 1"]
    # Excluded ones and those against the terms; second versions recommended by the same user.
    assert len(re.findall(r"│ yes +│", rows)) == events > 0
    assert len(re.findall("no: the rule leaves it out", rows)) > 0
    assert len(re.findall("no: the user counts already", rows)) > 0
    sides = {"expected": events, "in the log": events, "live": live}
    printed = "".join(rf"{side} +{count} in {count} events\n" for side, count in sides.items())
    assert re.search(rf"^{printed}equal\n$", parts["Totals"], re.M)


def test_a_metric_from_clickhouse_and_the_first_of_many_rows(explain: Explain) -> None:
    parts = parts_of(explain("ModelVersion", "Download", "--id", "1", "--limit", "2"))
    reads = parts["What it reads"]
    assert re.search(r"^application\.modelVersionEvents: ", reads, re.M)
    assert re.findall(r"^    (\w+)", reads, re.M) == ["type", "time", "userId", "modelId", "modelVersionId", "id"]
    assert len(re.findall("│ yes +│", parts["Source rows of ModelVersion 1"])) == 2
    assert re.search(r"^… and \d+ more: --limit \d+ shows them$", parts["Source rows of ModelVersion 1"], re.M)
    assert parts["Totals"].endswith("\nequal\n")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("Model", "thumbup"), "There is no metric Model thumbup. Did you mean Model ThumbsUp, "),
        (("Quux", "Zyzzyva"), "There is no metric Quux Zyzzyva. All of them are in metric_catalog.csv."),
    ],
)
def test_an_unknown_metric_is_an_error_that_names_its_likes(
    explain: Explain, asked: tuple[str, str], message: str
) -> None:
    output = explain(*asked, exit_code=1)
    assert output.startswith(f"Error: {message}")
    assert len(output.splitlines()) == 1


def test_an_entity_without_rows_is_said_to_have_none(explain: Explain) -> None:
    parts = parts_of(explain("Model", "Comment", "--id", "99999999"))
    assert parts["Totals"] == "Model 99999999 has neither source rows nor events of Model Comment.\n"


def test_an_event_log_that_is_not_there_is_named(backfilled: Project, explain: Explain) -> None:
    output = explain("Tag", "Hidden", "--id", "1", event_log=f"{backfilled.database}.nothing", exit_code=1)
    assert f"There is no event log {backfilled.database}.nothing." in output
    # A name that cannot be one is an error before any server is asked.
    output = explain("Tag", "Hidden", event_log="nothing", exit_code=1)
    assert "The var event_log is 'nothing'; it must be <database>.<table>" in output


def test_a_log_that_lost_and_gained_events_differs_by_their_values(published: ParsedProject, explain: Explain) -> None:
    run, log = published.sandbox.command, published.event_log
    pair = ("Model", "TipAmount")
    # An entity with several tips: one of them goes, and one is invented.
    entity_id, total, lost = published.sandbox.rows(
        f"""
        select toInt64(entityId), toInt64(sum(metricValue)), toInt64(max(metricValue))
        from {log}
        where {of_pairs([pair])} and {BEFORE}
        group by entityId
        having count() between 2 and 10 and countIf(metricValue = 7) = 0 and uniqExact(metricValue) = count()
        order by entityId
        limit 1
        """
    )[0]
    of_entity = f"entityId = {entity_id} and {of_pairs([pair])} and {BEFORE}"
    run(f"delete from {log} where {of_entity} and metricValue = {lost}")
    parts = parts_of(explain(*pair, "--id", str(entity_id), project=published))
    assert parts["Totals"].endswith(f"\ndiffers by {-lost:+,}; events that are not the same: 1\n")
    events = next(text for title, text in parts.items() if title.startswith("Events of Model"))
    assert len(re.findall("missing in the log", events)) == 1

    columns = "entityType, entityId, userId, metricType, metricValue, createdAt"
    run(f"insert into {log} ({columns}) values ('Model', {entity_id}, 1, 'TipAmount', 7, '2023-01-01 00:00:00')")
    parts = parts_of(explain(*pair, "--id", str(entity_id), project=published))
    assert re.search(rf"^expected +{total:,} in ", parts["Totals"], re.M)
    assert parts["Totals"].endswith(f"\ndiffers by {7 - lost:+,}; events that are not the same: 2\n")
