"""The servers of a target. Scripts have the targets of dbt, from the same profiles.yml: none can mix two of them."""

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click
import clickhouse_connect
import jinja2
import redis
import yaml
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

REPOSITORY = Path(__file__).resolve().parents[1]
TARGETS = ("sandbox", "production")
# Where profiles.yml has each server: the profile, and the key in the target's output (None: the whole output).
SERVERS = {
    "clickhouse": ("entity_metrics", None),
    "postgres": ("entity_metrics_beside", "postgres"),
    "redis": ("entity_metrics_beside", "redis_url"),
}
# Seconds: queries go through whole tables.
PATIENCE = 24 * 3600
# The client also logs the errors that it raises.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())


def target_option(**more: object) -> Callable:
    """The option --target, with more settings of click's."""
    return click.option(
        "--target",
        type=click.Choice(TARGETS),
        default=TARGETS[0],
        show_default=True,
        help="The servers to use, as in dbt: the sandbox's, or those named by the environment.",
        **more,
    )


vars_option = click.option("--vars", "variables", default="{}", show_default=True, help="The vars, as dbt takes them.")


def require(target: str, *servers: str) -> None:
    """See that a target names these servers (of SERVERS), before anything is done.

    Raises ClickException, which names all variables that are unset or empty.
    """
    _read(target, *servers)


def clickhouse(target: str) -> Client:
    """A client of the target's ClickHouse, in the database of the models. Raises ClickException."""
    (login,) = _read(target, "clickhouse")
    with server_errors(target):
        return connect(login)


def connect(login: dict, patience: float = PATIENCE) -> Client:
    """A client of a ClickHouse server, from what profiles.yml says of it."""
    return clickhouse_connect.get_client(
        host=login["host"],
        port=int(login["port"]),
        username=login["user"],
        password=login["password"],
        database=login["schema"],
        secure=str(login["secure"]) == "True",
        send_receive_timeout=patience,
        # A session runs one statement at a time; a query_limit cuts off rows.
        autogenerate_session_id=False,
        query_limit=0,
        # An event log over several shards is read whole, or not at all.
        settings={"skip_unavailable_shards": 0},
    )


def clickhouse_address(target: str) -> str:
    """Where the target's ClickHouse is, for people."""
    (login,) = _read(target, "clickhouse")
    return f"ClickHouse at {login['host']}:{login['port']}, database {login['schema']} (target {target})"


@contextmanager
def server_errors(target: str) -> Iterator[None]:
    """Make what the target's ClickHouse says instead of a result a ClickException of one line that names the server."""
    try:
        yield
    except ClickHouseError as error:
        raise click.ClickException(f"{clickhouse_address(target)}: {one_line(error)}") from None


def one_line(error: Exception | str) -> str:
    """An error as one line."""
    return " ".join(str(error).split())


def redis_url(target: str) -> str:
    """Where the target's cache is; may hold a password."""
    return _read(target, "redis")[0]


def redis_address(target: str) -> str:
    """Where the target's cache is, for people. Raises ClickException where the URL is none."""
    url = redis_url(target)
    try:
        redis.Redis.from_url(url).connection_pool.make_connection()
    except (ValueError, TypeError):
        # The error itself may show a part of the password.
        raise click.ClickException(
            "REDIS_URL is no URL that Redis can be found by. It begins with redis:// or rediss://; special characters"
            " in a password are written as %2F and so on."
        ) from None
    parts = urlsplit(url)
    return f"Redis at {parts.hostname}:{parts.port or 6379}" if parts.hostname else f"Redis at {parts.path}"


def postgres(target: str) -> dict[str, str]:
    """PostgreSQL as the target's ClickHouse connects to it: host, port, user, password and database."""
    return _read(target, "postgres")[0]


def profiles_directory() -> Path:
    """The folder of profiles.yml: the one that dbt, run in the repository, would take."""
    if named := os.environ.get("DBT_PROFILES_DIR"):
        return Path(named).absolute()
    at_home = Path.home() / ".dbt"
    return REPOSITORY if (REPOSITORY / "profiles.yml").exists() or not (at_home / "profiles.yml").exists() else at_home


def _read(target: str, *servers: str) -> list:
    """What profiles.yml says of some servers of a target, with all variables in it. Raises as require() does."""
    file = profiles_directory() / "profiles.yml"
    rendering, values = _Rendering(), []
    try:
        profiles = yaml.safe_load(file.read_text())
        for profile, key in map(SERVERS.__getitem__, servers):
            output = profiles[profile]["outputs"][target]
            values.append(rendering.of(output if key is None else output[key]))
    except (FileNotFoundError, KeyError, TypeError):
        way = "scripts/sandbox.py up makes it" if target == "sandbox" else "copy it from profiles.yml.example"
        raise click.ClickException(
            f"{file} does not say where {' and '.join(servers)} of the target {target} are: {way}."
        ) from None
    except (yaml.YAMLError, jinja2.TemplateError, ValueError) as error:
        raise click.ClickException(f"The target {target} of {file} cannot be used: {one_line(error)}.") from None
    if rendering.missing:
        raise click.ClickException(
            f"The target {target} needs variables that are unset or empty: {', '.join(rendering.missing)}."
        )
    return values


class _Rendering:
    """Jinja as dbt has it in profiles.yml, but for the variables that are missing: those are collected."""

    def __init__(self) -> None:
        self.missing: dict[str, None] = {}
        self.jinja = jinja2.Environment(undefined=jinja2.StrictUndefined)
        self.jinja.globals["env_var"] = self.env_var
        self.jinja.filters |= {"as_bool": self.as_bool, "as_number": self.as_number}

    def of(self, value: object, name: str = "") -> object:
        """A value with all that is in it rendered; name is its key."""
        if isinstance(value, dict):
            return {key: self.of(inner, key) for key, inner in value.items()}
        try:
            return self.jinja.from_string(value).render() if isinstance(value, str) else value
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None

    def env_var(self, name: str, default: str | None = None) -> str:
        value = os.environ.get(name) or default
        if value is None:
            # profiles.yml asks for a variable named like the list of all missing ones, so that dbt prints the list.
            self.missing |= dict.fromkeys(re.findall(r"[A-Z][A-Z0-9_]+", name))
        return value or ""

    def as_bool(self, text: str) -> str:
        if text not in ("True", "False", ""):
            raise ValueError(f"is {text!r}, neither True nor False")
        return text

    def as_number(self, text: str) -> str:
        if text and not text.isdecimal():
            raise ValueError(f"is {text!r}, which is no number")
        return text
