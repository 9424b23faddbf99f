#!/usr/bin/env python
"""Generate what follows from the models: compiled SQL, pages of docs/, and lists of tables and entity types.

A pull request shows what a change does to them. No server is asked: dbt compiles for a database named metrics, with
every var at its default.
"""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import difflib
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import sqlglot
import yaml

import event_contract
import settings_page
from project import events_models, reference, source_of
from targets import REPOSITORY
from wording import how_many

# What the target production needs. The database shows in the SQL; no server is asked.
CONNECTION = {"HOST": "none", "PORT": "1", "USER": "none", "PASSWORD": "none", "DATABASE": "metrics", "SECURE": "False"}
PROJECT = "entity_metrics"
GOLDEN = Path("tests/golden")
ANALYSES = Path("analyses/events")
# Macros that name every model of a folder: dbt parses each ref() before it knows of any model.
REFERENCES = {
    Path("macros/log/all_events.sql"): "models/events",
    Path("macros/parity/expected_counts.sql"): "models/parity",
}
WIDTH = 120
REWRITE = "scripts/generate.py --write"


def dbt(command: str, target: Path, *options: str) -> dict:
    """Run dbt without a server; return its manifest."""
    # Nothing of the machine may show in the SQL.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    environment |= {f"CLICKHOUSE_{name}": value for name, value in CONNECTION.items()}
    shutil.copy(REPOSITORY / "profiles.yml.example", target / "profiles.yml")
    words = [
        *(Path(sys.executable).with_name("dbt"), "--quiet", "--no-use-colors", command, *options),
        *("--profiles-dir", target, "--target", "production", "--target-path", target, "--log-path", target),
    ]
    pipe = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run([str(word) for word in words], cwd=REPOSITORY, env=environment, **pipe)
    if done.returncode:
        raise click.ClickException(f"The project does not compile. dbt says:\n{done.stdout}")
    return json.loads((target / "manifest.json").read_text())


def tidied(sql: str) -> str:
    """The SQL without the blank lines and spaces that Jinja leaves behind."""
    lines = "\n".join(line.rstrip() for line in sql.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def references() -> dict[Path, str]:
    """The macros that name models: dbt parses only with names of models that there are."""
    files = {}
    for path, folder in REFERENCES.items():
        models = sorted(model.stem for model in (REPOSITORY / folder).rglob("*.sql"))
        names = "".join(f"        '{name}',\n" for name in models)
        files[path] = with_list(text_of(path), r"for name in \[\n(.*?)    \]", names)
    return files


def lists(manifest: dict) -> dict[Path, str]:
    """The files that hold lists of tables or entity types: what dbt compiles depends on them."""
    of_type: dict[str, list[dict]] = {}
    for model in events_models(manifest):
        for entity_type in {metric["entity_type"] for metric in model["config"]["meta"]["metrics"]}:
            of_type.setdefault(entity_type, []).append(model)
    files = {
        ANALYSES / f"{snake_case(entity_type)}.sql": analysis(entity_type, readers)
        for entity_type, readers in of_type.items()
    }
    files[ANALYSES / "events.yml"] = "analyses:\n" + "".join(
        f"  - name: {snake_case(entity_type)}\n"
        f"    description: The metrics of the entity type {entity_type}, each as a query on its own.\n"
        for entity_type in sorted(of_type)
    )
    project = Path("dbt_project.yml")
    types = ", ".join(sorted(map(snake_case, of_type)))
    files[project] = with_list(text_of(project), r"&entity_types \[(.*?)\]", types)
    tags = staging_tags(manifest, of_type)
    files[project] = with_list(files[project], r"((?:      stg_\w+: [^\n]*\n)+)", tags)
    files[Path("models/staging/staging.yml")] = staging_properties(manifest)
    for name, sources in {"postgres_parity_grants": ["postgres"], "postgres_grants": ["postgres", "legacy"]}.items():
        path = Path(f"scripts/{name}.sql")
        tables = sorted(source["name"] for source in manifest["sources"].values() if source["source_name"] in sources)
        quoted = ",\n".join(f"        '{table}'" for table in tables)
        files[path] = with_list(text_of(path), r"array array\[(.*?)\]", f"\n{quoted}\n    ")
    return files


def staging_tags(manifest: dict, of_type: dict[str, list[dict]]) -> str:
    """The entity types that each staging table is copied for, as lines of dbt_project.yml."""
    tags: dict[str, set[str]] = {}
    for entity_type, models in of_type.items():
        for unique_id in {unique_id for model in models for unique_id in model["depends_on"]["nodes"]}:
            if unique_id in manifest["nodes"]:
                tags.setdefault(manifest["nodes"][unique_id]["name"], set()).add(snake_case(entity_type))
    return "".join(f"      {name}: {{+tags: [{', '.join(sorted(tags[name]))}]}}\n" for name in sorted(tags))


def staging_properties(manifest: dict) -> str:
    """What dbt is told of the staging models: the source's own columns, in the types and with the tests of a copy."""
    models = []
    nodes = sorted(manifest["nodes"].values(), key=lambda node: node["name"])
    for model in (node for node in nodes if "staging" in node["fqn"] and node["resource_type"] == "model"):
        source = source_of(manifest, model["unique_id"])
        select, _, _ = re.sub(r"{{ config.*?}}|{#.*?#}", "", model["raw_code"], flags=re.DOTALL).partition("from {{")
        columns = [staged_column(source, name) for name in sqlglot.parse_one(select, read="clickhouse").named_selects]
        landed_at = {"name": "_landed_at", "data_type": "DateTime('UTC')", "description": "{{ doc('landed_at') }}"}
        description = f"{source['description']} Copied from {source['name']}."
        columns = [in_one_line(column) for column in [*columns, landed_at]]
        models.append([{"name": model["name"], "description": description, "columns": columns}])
    header = "# Made by scripts/generate.py from models/sources/postgres.yml and the columns that each model selects.\n"
    return f"{header}models:\n" + "\n".join(yaml.safe_dump(model, sort_keys=False, width=WIDTH) for model in models)


class Line(dict):
    """What YAML shows in one line."""


yaml.SafeDumper.add_representer(
    Line, lambda dumper, line: dumper.represent_mapping("tag:yaml.org,2002:map", line, flow_style=True)
)


def in_one_line(column: dict) -> dict:
    """A column that YAML shows in one line if it fits."""
    line = yaml.safe_dump(column, sort_keys=False, default_flow_style=True, width=math.inf).strip()
    return Line(column) if len(f"  - {line}") <= WIDTH else column


def staged_column(source: dict, name: str) -> dict:
    """A column of a staging table. Few values make a LowCardinality; times have no more than milliseconds."""
    column = source["columns"][name]
    data_type = re.sub("^String$", "LowCardinality(String)", column["data_type"]).replace(
        "DateTime64(6", "DateTime64(3"
    )
    description = f"{source['name']}.{name}: {column['description']}"
    tests: list[object] = []
    if source["config"]["meta"]["primary_key"] == [name]:
        tests.append("unique")
    if values := column["config"]["meta"].get("values"):
        # Values that no rule knows are reported with the number of their rows.
        config = {"severity": "warn", "fail_calc": "sum(n_records)"}
        tests.append({"accepted_values": {"arguments": {"values": values}, "config": config}})
    staged = {"name": name, "data_type": data_type, "description": description}
    return staged | ({"data_tests": tests} if tests else {})


def analysis(entity_type: str, models: list[dict]) -> str:
    """The metrics of an entity type, each as a query on its own. dbt learns from the file what it reads."""
    reads = {unique_id for model in models for unique_id in model["depends_on"]["nodes"]}
    return (
        f"{{# The metrics of the entity type {entity_type}, each as a query on its own. #}}\n\n"
        f"{{{{ metric_queries('{entity_type}', reads=[\n"
        + ",\n".join(f"    {reference(unique_id)}" for unique_id in sorted(reads))
        + "\n]) }}\n"
    )


def with_list(text: str, pattern: str, names: str) -> str:
    """A file's text with the list that a pattern finds in it replaced."""
    start, end = re.search(pattern, text, re.DOTALL).span(1)
    return text[:start] + names + text[end:]


def snake_case(name: str) -> str:
    """An entity type as tags and files name it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def compiled(target: Path, manifest: dict) -> dict[Path, str]:
    """The SQL of every model and analysis that dbt has compiled, and the pages of docs/."""
    root = target / "compiled" / PROJECT
    sql = {path.relative_to(root): tidied(path.read_text()) for path in root.rglob("*.sql")}
    return {GOLDEN / path: text for path, text in sql.items()} | {
        Path("docs/event-contract.md"): event_contract.page(sql, manifest),
        Path("docs/settings.md"): settings_page.page(),
    }


def changes(wanted: dict[Path, str]) -> dict[Path, tuple[str | None, str | None]]:
    """Before and after of the files that are not as they should be; None is no file.

    In the directories in which everything is generated, nothing else may be.
    """
    present = {
        path.relative_to(REPOSITORY) for folder in (GOLDEN, ANALYSES) for path in (REPOSITORY / folder).rglob("*.*")
    }
    both = {path: (text_of(path), wanted.get(path)) for path in sorted(present | wanted.keys())}
    return {path: texts for path, texts in both.items() if texts[0] != texts[1]}


def text_of(path: Path) -> str | None:
    """What a file holds now; None where there is none."""
    file = REPOSITORY / path
    return file.read_text() if file.exists() else None


def difference(path: Path, before: str | None, after: str | None) -> str:
    """What changes in a file, as git would show it."""
    return "".join(
        difflib.unified_diff(
            (before or "").splitlines(keepends=True),
            (after or "").splitlines(keepends=True),
            fromfile="/dev/null" if before is None else f"a/{path}",
            tofile="/dev/null" if after is None else f"b/{path}",
        )
    )


def write(files: dict[Path, str | None]) -> set[Path]:
    """Write the files; those that are None go. Return the ones that changed."""
    changed = set()
    for path, text in files.items():
        if text == text_of(path):
            continue
        changed.add(path)
        file = REPOSITORY / path
        if text is None:
            file.unlink()
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    return changed


@click.command()
@click.option("--write", "rewrite", is_flag=True, help="Rewrite the files instead of checking them.")
def main(rewrite: bool) -> None:
    """Check that the generated files are up to date; show what differs, and exit with 1 if something does.

    Generated are tests/golden, analyses/events, models/staging/staging.yml, docs/event-contract.md, docs/settings.md,
    the entity types in dbt_project.yml, the tables in scripts/postgres_grants.sql and
    scripts/postgres_parity_grants.sql, and the models that all_events() and depends_on_expected_counts() name.
    """
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory)
        # dbt parses only models that are named, and compiles only those that are tagged.
        rewritten = write(references()) | write(lists(dbt("parse", target))) if rewrite else set()
        kinds = ("--select", "resource_type:model", "resource_type:analysis", "--indirect-selection", "empty")
        manifest = dbt("compile", target, *kinds, "--no-introspect", "--no-populate-cache")
        wanted = references() | lists(manifest) | compiled(target, manifest)
    changed = changes(wanted)
    if rewrite:
        rewritten |= write({path: after for path, (_, after) in changed.items()})
        click.echo(f"{how_many(len(wanted), 'generated file')} up to date; {len(rewritten)} changed.")
        return
    for path, (before, after) in changed.items():
        click.echo(difference(path, before, after), nl=False)
    if changed:
        raise click.ClickException(
            f"{how_many(len(changed), 'generated file')} out of date. If that is what you meant: {REWRITE}, and commit."
        )
    click.echo(f"{how_many(len(wanted), 'generated file')} up to date.")


if __name__ == "__main__":
    main()
