#!/usr/bin/env python
"""Keep the compiled SQL of all models and analyses under tests/golden, so that a pull request shows what it changes.

No server is asked: dbt compiles for a database named metrics, with every var at its default.
"""

import difflib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from targets import REPOSITORY

# What the target production needs. The database shows in the SQL; nobody is asked, so there is no such server.
CONNECTION = {"HOST": "none", "PORT": "1", "USER": "none", "PASSWORD": "none", "DATABASE": "metrics", "SECURE": "False"}
PROJECT = "entity_metrics"
GOLDEN = REPOSITORY / "tests" / "golden"
REWRITE = "scripts/golden_sql.py --write"


def compile_project() -> tuple[dict[str, str], dict]:
    """The SQL of every model and analysis as dbt compiles it, by its path in the repository; and dbt's manifest."""
    # Nothing of the machine may show in the SQL: neither its servers and databases nor dbt's own variables.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
    environment |= {f"CLICKHOUSE_{name}": value for name, value in CONNECTION.items()}
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory)
        shutil.copy(REPOSITORY / "profiles.yml.example", target / "profiles.yml")
        command = [
            *(Path(sys.executable).with_name("dbt"), "--quiet", "--no-use-colors", "compile"),
            *("--select", "resource_type:model", "resource_type:analysis", "--indirect-selection", "empty"),
            *("--no-introspect", "--no-populate-cache"),
            *("--profiles-dir", target, "--target", "production", "--target-path", target, "--log-path", target),
        ]
        done = subprocess.run(
            [str(word) for word in command],
            cwd=REPOSITORY,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode:
            raise click.ClickException(f"The project does not compile. dbt says:\n{done.stdout}")
        root = target / "compiled" / PROJECT
        sql = {path.relative_to(root).as_posix(): tidied(path.read_text()) for path in root.rglob("*.sql")}
        return sql, json.loads((target / "manifest.json").read_text())


def tidied(sql: str) -> str:
    """The SQL without the blank lines and spaces that Jinja leaves behind."""
    lines = "\n".join(line.rstrip() for line in sql.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def golden_sql() -> dict[str, str]:
    """The SQL that is kept, by the path of its model or analysis."""
    return {path.relative_to(GOLDEN).as_posix(): path.read_text() for path in GOLDEN.rglob("*.sql")}


def difference(path: str, golden: str | None, compiled: str | None) -> str:
    """What changes in a golden file, as git would show it; None is no file."""
    name = f"tests/golden/{path}"
    return "".join(
        difflib.unified_diff(
            (golden or "").splitlines(keepends=True),
            (compiled or "").splitlines(keepends=True),
            fromfile="/dev/null" if golden is None else f"a/{name}",
            tofile="/dev/null" if compiled is None else f"b/{name}",
        )
    )


def write(compiled: dict[str, str]) -> None:
    """Make the golden files be the compiled SQL, and nothing else."""
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for path, sql in compiled.items():
        file = GOLDEN / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(sql)


@click.command()
@click.option("--write", "rewrite", is_flag=True, help="Rewrite the golden files instead of checking them.")
def main(rewrite: bool) -> None:
    """Check that the golden files are the SQL that dbt compiles; show what differs, and exit with 1 if something does.

    A file whose model is gone, and a model without a file, are differences too.
    """
    golden, (compiled, _) = golden_sql(), compile_project()
    changed = sorted(path for path in golden | compiled if golden.get(path) != compiled.get(path))
    if rewrite:
        write(compiled)
        click.echo(f"{len(compiled)} golden files, {len(changed)} of them changed.")
        return
    for path in changed:
        click.echo(difference(path, golden.get(path), compiled.get(path)), nl=False)
    if changed:
        raise click.ClickException(
            f"{len(changed)} of {len(golden | compiled)} golden files are not what dbt compiles. "
            f"If that is what you meant: {REWRITE}, and commit them."
        )
    click.echo(f"{len(compiled)} golden files are what dbt compiles.")


if __name__ == "__main__":
    main()
