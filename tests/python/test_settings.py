"""What holds for the project as a whole: secrets, names of statements, descriptions, tags, vars."""

import ast
import dataclasses
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import REPO, Project, Sandbox, new_project, run_program, start_sandbox, stop_sandbox
from dbt.contracts.graph.manifest import Manifest
from event_log_checks import pairs_of
from parsed_project import ParsedProject

from generate import snake_case

# Each secret is searched for by its middle part, which no escaping changes.
CLICKHOUSE_SECRET, POSTGRES_SECRET = "clickhouse-sandbox", "Qv57wnR"
POSTGRES_PASSWORD = f"it's \\ {POSTGRES_SECRET} %s"
ENTITY_TAGS = {snake_case(entity_type) for entity_type, _ in pairs_of()}


# Secrets --------------------------------------------------------------------------------------------------------------


@dataclass
class Guarded:
    """A project whose PostgreSQL has a password of its own, after a build with all of dbt's chatter."""

    project: Project
    output: str
    # For further runs, into a database where nothing was built; its files are below those of the project.
    quick: ParsedProject

    @property
    def sandbox(self) -> Sandbox:
        return self.project.sandbox


def connect(sandbox: Sandbox, password: str = POSTGRES_PASSWORD) -> tuple[int, str]:
    """Tells ClickHouse a password of PostgreSQL's, as in production."""
    env = {**os.environ, **sandbox.env, "POSTGRES_PASSWORD": password}
    return run_program(REPO / "scripts" / "connect_postgres.py", "--target", "production", env=env)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, parsed_once: ParsedProject) -> Iterator[Guarded]:
    sandbox = start_sandbox(REPO / ".sandbox" / f"pytest-{os.getpid()}-guarded")
    try:
        literal = POSTGRES_PASSWORD.replace("'", "''")
        sandbox.postgres(f"alter role metrics_reader password '{literal}'")
        code, said = connect(sandbox)
        assert code == 0, said
        project = new_project(sandbox, "guarded", tmp_path_factory.mktemp("guarded"))
        output = project.dbt("--debug", "build", "--write-json", "--select", "tag:collection", "generation_events")
        quick = dataclasses.replace(parsed_once, sandbox=sandbox, database="untouched", target=project.target)
        yield Guarded(project, output, quick)
    finally:
        stop_sandbox(sandbox)


def assert_keeps(text: str, *secrets: str) -> None:
    for secret in (CLICKHOUSE_SECRET, POSTGRES_SECRET, *secrets):
        at = text.find(secret)
        assert at == -1, text[max(at - 300, 0) : at + 100]


def files_below(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_no_password_is_written_or_printed(guarded: Guarded) -> None:
    assert_keeps(guarded.output)
    written = files_below(guarded.project.target, guarded.sandbox.dir / "logs")
    names = {path.name for path in written}
    assert names >= {"manifest.json", "run_results.json", "partial_parse.msgpack", "dbt.log", "postgres.log"}
    for path in written:
        assert_keeps(path.read_bytes().decode(errors="replace"))


def test_no_password_is_shown_by_the_database(guarded: Guarded) -> None:
    for table in ("tables", "columns", "named_collections", "databases"):
        shown = guarded.sandbox.rows(f"select * from system.{table}")
        assert shown
        assert_keeps(str(shown))
    for (name,) in guarded.sandbox.rows("select name from system.tables where database = 'guarded_postgres'"):
        assert_keeps(str(guarded.sandbox.rows(f"show create table guarded_postgres.`{name}`")))


def test_a_wrong_clickhouse_password_is_not_repeated(guarded: Guarded) -> None:
    environment = guarded.sandbox.env | {"CLICKHOUSE_PASSWORD": "mistyped-Jx29bTs"}
    wrong = dataclasses.replace(guarded.quick, sandbox=Sandbox(guarded.sandbox.dir, environment))
    output = wrong.dbt("--debug", "run", "--target", "production", "--select", "stg_tag", fails=True)
    assert "AUTHENTICATION_FAILED" in output
    assert_keeps(output, "Jx29bTs")


def test_a_wrong_postgres_password_is_not_repeated(guarded: Guarded) -> None:
    code, said = connect(guarded.sandbox, "mis'typed-\\Jx29bTs")
    try:
        assert code == 1
        environment = guarded.sandbox.env
        assert f"metrics_reader@127.0.0.1:{environment['POSTGRES_PORT']}/community" in said
        assert_keeps(said, "Jx29bTs")
        # The collection holds the wrong password now: a run meets it too.
        output = guarded.quick.dbt("--debug", "--log-level-file", "debug", "run", "--select", "stg_tag", fails=True)
        assert 'password authentication failed for user "metrics_reader"' in output
        assert_keeps(output, "Jx29bTs")
        for path in files_below(guarded.project.target, guarded.sandbox.dir / "logs"):
            assert_keeps(path.read_bytes().decode(errors="replace"), "Jx29bTs")
    finally:
        code, said = connect(guarded.sandbox)
    assert code == 0, said


# Statements -----------------------------------------------------------------------------------------------------------


def test_every_statement_names_its_run_and_its_node(guarded: Guarded) -> None:
    (run,) = set(re.findall(r'"run": "([0-9a-f-]{36})"', guarded.output))
    statements = re.findall(r"adapter: On (\S+): (.*)", guarded.output)
    assert len(statements) > 200
    for connection, start in statements:
        node = connection if "." in connection else "none"
        assert start == f'/* {{"run": "{run}", "node": "{node}"}} */', (connection, start)
    assert {
        f"model.entity_metrics.{name}" for name in ("stg_image", "collection_item_events", "generation_events")
    } <= {connection for connection, _ in statements}


# The graph ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def graph(parsed_once: ParsedProject) -> Manifest:
    """The project as dbt parses it."""
    return parsed_once.manifest


def models_in(graph: Manifest, *folders: str) -> dict:
    return {
        unique_id: node
        for unique_id, node in graph.nodes.items()
        if node.resource_type == "model" and node.fqn[1] in folders
    }


def test_every_source_model_and_column_is_described(graph: Manifest) -> None:
    models = models_in(graph, "staging", "events", "log", "parity", "marts")
    sources = graph.sources
    described = [*models.values(), *sources.values()]
    assert [node.unique_id for node in described if not node.description.strip()] == []
    assert [source.unique_id for source in sources.values() if not source.source_description.strip()] == []
    assert [node.unique_id for node in described if not node.columns] == []
    columns = [(node.unique_id, column) for node in described for column in node.columns.values()]
    assert [(node, column.name) for node, column in columns if not column.description.strip()] == []
    # The columns of events models have the types of the log: publication casts them.
    events = models_in(graph, "events")
    assert [(node, column.name) for node, column in columns if node not in events and not column.data_type] == []
    of_the_log = list(graph.nodes["model.entity_metrics.pending_events"].columns)
    assert {node: list(model.columns) for node, model in events.items()} == dict.fromkeys(events, of_the_log)


def test_every_public_macro_is_described_with_its_arguments(graph: Manifest) -> None:
    """By the comment above it, in words that name each argument."""
    undescribed = []
    for macro in graph.macros.values():
        if macro.package_name != "entity_metrics" or macro.name.startswith("_"):
            continue
        text = (REPO / macro.original_file_path).read_text()
        kind, name = ("materialization|test|macro", macro.name.removeprefix("test_"))
        found = re.search(
            rf"\{{#((?:(?!#\}}).)*)#\}}\s*\{{%-?\s*(?:{kind})\s+{name}\s*(?:\((.*?)\))?[^%]*%\}}", text, re.S
        )
        if macro.name.startswith("materialization_"):
            continue
        header, signature = (found.group(1), found.group(2) or "") if found else ("", "")
        arguments = re.findall(r"(\w+)\s*(?:=[^,]*)?(?:,|$)", signature)
        missing = [argument for argument in arguments if not re.search(rf"\b{argument}\b", header)]
        if not header.strip() or missing:
            undescribed.append((macro.name, missing))
    assert undescribed == []


def upstream(graph: Manifest, unique_id: str) -> set[str]:
    """All that a node is made from."""
    parents = graph.parent_map[unique_id]
    return set(parents).union(*(upstream(graph, parent) for parent in parents))


def test_the_audit_stands_between_what_is_pending_and_what_is_published(graph: Manifest) -> None:
    """dbt build skips a model for a red test whose parents are all upstream of the model."""
    tests = [node for node in graph.nodes.values() if node.resource_type == "test"]
    for published, kind in (("published_events", "source_parity"), ("published_corrections", "corrections_agree")):
        before = upstream(graph, f"model.entity_metrics.{published}")
        audits = [test for test in tests if test.name.startswith(kind)]
        if published == "published_events":
            audits += [test for test in tests if test.original_file_path.startswith("tests/audit/")]
        assert len(audits) >= len(ENTITY_TAGS)
        assert [test.name for test in audits if not set(test.depends_on.nodes) <= before] == []


def test_an_entity_tag_selects_everything_that_its_metrics_are_built_from(graph: Manifest) -> None:
    needed: dict[str, set[str]] = {unique_id: set() for unique_id in models_in(graph, "staging")}
    for unique_id, model in models_in(graph, "events").items():
        tags = set(model.tags) & ENTITY_TAGS
        assert tags, unique_id
        for parent in upstream(graph, unique_id) & needed.keys():
            needed[parent] |= tags
    tags_of = {unique_id: set(graph.nodes[unique_id].tags) & ENTITY_TAGS for unique_id in needed}
    assert tags_of == needed
    assert set.union(*needed.values()) == ENTITY_TAGS


# The repository -------------------------------------------------------------------------------------------------------


def test_no_file_names_a_place_that_only_its_author_has() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPO,
        check=True,
        text=True,
        capture_output=True,
    )
    paths = [REPO / name for name in listed.stdout.split("\0") if name]
    assert len(paths) > 100
    # Folders of somebody's machine, and hosts or options that tie an installation to a package registry.
    private = re.compile(
        r"(?<![\w.])/(?:root|work|home|Users)/\w|pypi\.org|pythonhosted\.|registry\.npm|(?:extra-)?index[-_]url", re.I
    )
    found = []
    for path in paths:
        if path.is_file():
            text = path.read_bytes().decode(errors="replace")
            found += [f"{path.relative_to(REPO)}: {match.group()}" for match in private.finditer(text)]
    assert found == []


def test_only_the_sandbox_itself_needs_the_sandbox() -> None:
    """What is run in production must not reach for servers of a laptop, nor for what is installed with them."""
    rooms = {path.name for path in REPO.iterdir() if (path / "__init__.py").exists()}
    assert rooms == {"sandbox", "benchmarks"}
    imports = []
    for path in (REPO / "scripts").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            imports += [(path.name, name) for name in names if name.split(".")[0] in rooms]
    assert sorted(imports) == [("bench.py", "benchmarks.commands"), ("sandbox.py", "sandbox.commands")]
