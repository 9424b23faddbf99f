"""docs/settings.md: the comments in dbt_project.yml and profiles.yml.example as a page."""

import re
from collections.abc import Iterator

import click
import yaml

from targets import REPOSITORY
from wording import markdown_table

TEXT = """\
# Settings

`scripts/generate.py --write` makes this page from the comments in [dbt_project.yml](../dbt_project.yml) and
[profiles.yml.example](../profiles.yml.example).

## Vars

Set a var for one run with `--vars '{{name: value}}'`, or for good in dbt_project.yml. An unknown var is an error that
names the nearest one.

{vars}

## Environment variables

They name the servers of the target `production`, for dbt and the scripts alike. A variable that is unset or empty is an
error that lists all of them, before any server is asked.

{environment}

`eval "$(scripts/sandbox.py env)"` sets all of them to the sandbox's servers, to try the target there. The target
`sandbox` reads none of them. It has its own: `SANDBOX_DIR`, `SANDBOX_POSTGRES_PORT`, `SANDBOX_CLICKHOUSE_PORT` and
`SANDBOX_VALKEY_PORT` (see `scripts/sandbox.py --help`), and `SANDBOX_CLICKHOUSE_DATABASE`, the database of its models.
"""


def var_tables() -> str:
    """The vars by section: name, default, and the comment above each. Raises ClickException where one has none."""
    text = (REPOSITORY / "dbt_project.yml").read_text()
    defaults = yaml.safe_load(text)["vars"]
    _, *sections = re.split(r"^  ## (.*)\n", re.search(r"^vars:\n(.*?)^\S", text, re.M | re.S)[1], flags=re.M)
    tables = []
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        rows = []
        for comment, name in re.findall(r"((?:  # .*\n)+)  (\w+):", body):
            value = defaults.pop(name)
            rows.append((f"`{name}`", f"`{'false' if value is False else value}`", plain(comment)))
        tables.append(f"### {title}\n\n{markdown_table('var', 'default', 'meaning', rows=rows)}")
    if defaults:
        raise click.ClickException(f"Vars without a comment or a section in dbt_project.yml: {', '.join(defaults)}.")
    return "\n\n".join(tables)


def environment_rows() -> Iterator[tuple[str, str]]:
    """The variables of profiles.yml.example and what they mean. Raises ClickException where one is not described."""
    text = (REPOSITORY / "profiles.yml.example").read_text()
    described = dict(re.findall(r"^# ([A-Z_]+): (.*\n(?:#   .*\n)*)", text, re.M))
    read = set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", re.sub(r"^#.*", "", text, flags=re.M)))
    if wrong := read ^ described.keys():
        raise click.ClickException(f"profiles.yml.example reads or describes, not both: {', '.join(sorted(wrong))}.")
    for name, comment in described.items():
        yield f"`{name}`", plain(comment)


def plain(comment: str) -> str:
    """A comment of one or more lines as one sentence."""
    words = " ".join(re.sub(r"^ *# ", "", comment, flags=re.M).split())
    return words[0].upper() + words[1:]


def page() -> str:
    """The page as it should be."""
    environment = markdown_table("variable", "meaning", rows=list(environment_rows()))
    return TEXT.format(vars=var_tables(), environment=environment)
