"""SQL as dbt renders it, for scripts that run it themselves."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_lib import settings

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


class DbtError(Exception):
    """What dbt said instead of a result."""


def parse(variables: str) -> "Manifest":
    """The project as dbt sees it with these vars; no server is asked."""
    return _dbt("parse", variables=variables)


def render(
    manifest: "Manifest", variables: str, parts: Iterable[str], reads: Iterable[str] = (), introspect: bool = False
) -> list[str]:
    """What each part, a Jinja expression, renders to. reads: unique ids of what the parts refer to by ref().

    Without introspect no server is asked.
    """
    # Inline SQL has to name what it reads before dbt knows of any model, as analyses/events do.
    lines = "\n".join(f"-- depends_on: {_reference(manifest, unique_id)}" for unique_id in reads)
    inline = "\n;\n".join([lines, *(f"{{{{ {part} }}}}" for part in parts)])
    offline = () if introspect else ("--no-introspect", "--no-populate-cache")
    known = set(manifest.nodes)
    try:
        (result,) = _dbt("compile", "--inline", inline, *offline, variables=variables, manifest=manifest)
    finally:
        # What could not be compiled, dbt leaves in the manifest, and then it can compile nothing else inline.
        for unique_id in set(manifest.nodes) - known:
            manifest.nodes.pop(unique_id)
    _, *rendered = (part.strip() for part in result.node.compiled_code.split("\n;\n"))
    return rendered


def _dbt(*command: str, variables: str, manifest: "Manifest | None" = None) -> object:
    """Run dbt in this process, with the connection that the environment names, and nothing left behind."""
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(settings.REPOSITORY / "profiles.yml.example", Path(directory) / "profiles.yml")
        options = [
            *("--project-dir", str(settings.REPOSITORY), "--profiles-dir", directory, "--vars", variables),
            *("--target-path", directory, "--log-path", directory),
        ]
        done = dbtRunner(manifest=manifest).invoke(
            ["--quiet", "--no-write-json", "--log-level", "none", *command, *options]
        )
    if not done.success:
        raise DbtError(str(done.exception or "; ".join(result.message for result in done.result)))
    return done.result


def _reference(manifest: "Manifest", unique_id: str) -> str:
    """How a query refers to what another one reads."""
    if unique_id in manifest.sources:
        source = manifest.sources[unique_id]
        return f"{{{{ source('{source.source_name}', '{source.name}') }}}}"
    return f"{{{{ ref('{manifest.nodes[unique_id].name}') }}}}"
