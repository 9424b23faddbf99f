"""The servers of a target. Scripts have the targets of dbt, from the same profiles.yml, so no command can mix two of them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import clickhouse_connect
import jinja2
import yaml
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

REPOSITORY = Path(__file__).resolve().parents[1]
TARGETS = ("sandbox", "production")


def target_option(command: Callable) -> Callable:
    """The option --target."""
    return click.option(
        "--target",
        type=click.Choice(TARGETS),
        default=TARGETS[0],
        show_default=True,
        help="The servers to use, as in dbt: the sandbox's, or those that the environment names.",
    )(command)


def clickhouse(target: str) -> Client:
    """A client of the target's ClickHouse, in the database of the models. Raises ClickException."""
    login = _of_profile("entity_metrics", target)
    try:
        return clickhouse_connect.get_client(
            host=login["host"],
            port=int(login["port"]),
            username=login["user"],
            password=login["password"],
            database=login["schema"],
            secure=str(login["secure"]).lower() in ("true", "1", "yes"),
            send_receive_timeout=24 * 3600,
            # Sessions would keep statements from running beside each other; rows are never to be cut off.
            autogenerate_session_id=False,
            query_limit=0,
        )
    except (ClickHouseError, ValueError) as error:
        raise click.ClickException(f"{clickhouse_address(target)} cannot be worked with: {error}") from None


def clickhouse_address(target: str) -> str:
    """Where the target's ClickHouse is, for people."""
    login = _of_profile("entity_metrics", target)
    return f"ClickHouse at {login['host']}:{login['port']}, database {login['schema']} (target {target})"


def redis_url(target: str) -> str:
    """Where the target's cache is; may hold a password."""
    return _of_profile("entity_metrics_beside", target, "redis_url")


def postgres(target: str) -> dict[str, str]:
    """PostgreSQL as the target's ClickHouse connects to it: host, port, user, password and database."""
    return _of_profile("entity_metrics_beside", target, "postgres")


def profiles_directory() -> Path:
    """The folder of profiles.yml, found as dbt finds it."""
    if named := os.environ.get("DBT_PROFILES_DIR"):
        return Path(named)
    at_home = Path.home() / ".dbt"
    return REPOSITORY if (REPOSITORY / "profiles.yml").exists() or not (at_home / "profiles.yml").exists() else at_home


def _of_profile(profile: str, target: str, key: str | None = None) -> Any:
    """What a target of a profile says, all of it or one key of it.

    Raises ClickException, which names all variables that are not set.
    """
    file = profiles_directory() / "profiles.yml"
    try:
        found = yaml.safe_load(file.read_text())[profile]["outputs"][target]
    except (FileNotFoundError, KeyError, TypeError):
        hint = "scripts/sandbox.py up makes it" if target == "sandbox" else "copy profiles.yml.example"
        raise click.ClickException(f"{file} has no target {target} of the profile {profile}: {hint}.") from None
    missing: dict[str, None] = {}

    def env_var(name: str, default: str | None = None) -> str:
        value = os.environ.get(name) or default
        if value is None:
            missing.update(dict.fromkeys(name.split(", ")))
        return value or ""

    environment = jinja2.Environment()
    environment.globals["env_var"] = env_var
    environment.filters["as_bool"] = str

    def rendered(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: rendered(inner) for name, inner in value.items()}
        return environment.from_string(value).render() if isinstance(value, str) else value

    values = rendered(found if key is None else found[key])
    if missing:
        raise click.ClickException(f"The target {target} needs variables that are not set: {', '.join(missing)}.")
    return values
