"""SQL as dbt renders it, for scripts that run it themselves."""

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import targets
from project import reference

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


class DbtError(Exception):
    """What dbt said instead of a result."""


def parse(target: str, variables: str) -> "Manifest":
    """The project as dbt sees it with this target and these vars; no server is asked."""
    return _dbt("parse", target=target, variables=variables)


@dataclass(frozen=True)
class Project:
    """The project with one target and some vars."""

    target: str
    variables: str
    manifest: "Manifest"

    @property
    def graph(self) -> dict:
        """Nodes and sources by their unique ids, as Jinja has them."""
        return self.manifest.flat_graph

    def render(self, parts: Iterable[str], reads: Iterable[str] = (), introspect: bool = True) -> list[str]:
        """What each part, a Jinja expression, renders to. reads: unique ids of what the parts refer to by ref().

        A command that cannot mean what it says is an error, as it is to dbt itself. Without introspect no server is
        asked.
        """
        # dbt parses inline SQL before it knows of any model, so the SQL names what it reads, as analyses/events do.
        lines = "\n".join(f"-- depends_on: {{{{ {reference(unique_id)} }}}}" for unique_id in reads)
        # dbt hides what is raised while it parses.
        checked = "{% do check_command() if execute %}"
        inline = "\n;\n".join([lines + checked, *(f"{{{{ {part} }}}}" for part in parts)])
        offline = () if introspect else ("--no-introspect", "--no-populate-cache")
        nodes, given = self.manifest.nodes, {"target": self.target, "variables": self.variables}
        known = set(nodes)
        try:
            (result,) = _dbt("compile", "--inline", inline, *offline, **given, manifest=self.manifest)
        finally:
            # dbt leaves inline SQL that failed in the manifest, and would fail on it again.
            for unique_id in set(nodes) - known:
                nodes.pop(unique_id)
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
        # dbt turns Ctrl-C into a failure.
        raise done.exception
    if not done.success:
        raise DbtError(str(done.exception or "; ".join(result.message for result in done.result)))
    return done.result
