"""SQL as dbt renders it, for scripts that run it themselves."""

import shutil
import tempfile
from collections.abc import Iterable
from typing import TYPE_CHECKING

import targets

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


class DbtError(Exception):
    """What dbt said instead of a result."""


def parse(target: str, variables: str) -> "Manifest":
    """The project as dbt sees it with this target and these vars; no server is asked."""
    return _dbt("parse", target=target, variables=variables)


def render(
    manifest: "Manifest",
    target: str,
    variables: str,
    parts: Iterable[str],
    reads: Iterable[str] = (),
    introspect: bool = False,
) -> list[str]:
    """What each part, a Jinja expression, renders to. reads: unique ids of what the parts refer to by ref().

    A command that cannot mean what it says is an error, as it is to dbt itself. Without introspect no server is asked.
    """
    # Inline SQL has to name what it reads before dbt knows of any model, as analyses/events do.
    lines = "\n".join(f"-- depends_on: {_reference(manifest, unique_id)}" for unique_id in reads)
    # What is raised while dbt parses, it keeps to itself.
    checked = "{% do check_command() if execute %}"
    inline = "\n;\n".join([lines + checked, *(f"{{{{ {part} }}}}" for part in parts)])
    offline = () if introspect else ("--no-introspect", "--no-populate-cache")
    known = set(manifest.nodes)
    try:
        (result,) = _dbt("compile", "--inline", inline, *offline, target=target, variables=variables, manifest=manifest)
    finally:
        # What could not be compiled, dbt leaves in the manifest, and then it can compile nothing else inline.
        for unique_id in set(manifest.nodes) - known:
            manifest.nodes.pop(unique_id)
    _, *rendered = (part.strip() for part in result.node.compiled_code.split("\n;\n"))
    return rendered


def _dbt(*command: str, target: str, variables: str, manifest: "Manifest | None" = None) -> object:
    """Run dbt in this process, with the connection of a target, and nothing left behind."""
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as directory:
        # dbt would leave a file of its own, .user.yml, beside the profiles.
        shutil.copy(targets.profiles_directory() / "profiles.yml", directory)
        options = [
            *("--project-dir", str(targets.REPOSITORY), "--profiles-dir", directory),
            *("--target", target, "--vars", variables),
            *("--target-path", directory, "--log-path", directory),
        ]
        done = dbtRunner(manifest=manifest).invoke(
            ["--quiet", "--no-write-json", "--log-level", "none", *command, *options]
        )
    if isinstance(done.exception, SystemExit):
        # dbt takes Ctrl-C for a failure like any other.
        raise done.exception
    if not done.success:
        raise DbtError(str(done.exception or "; ".join(result.message for result in done.result)))
    return done.result


def _reference(manifest: "Manifest", unique_id: str) -> str:
    """How a query refers to what another one reads."""
    if unique_id in manifest.sources:
        source = manifest.sources[unique_id]
        return f"{{{{ source('{source.source_name}', '{source.name}') }}}}"
    return f"{{{{ ref('{manifest.nodes[unique_id].name}') }}}}"
