"""Every default of the sandbox, and how options, environment and a running sandbox override them.

Only the standard library is imported here: scripts that talk to real servers read their defaults from this module too.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_DIRECTORY = REPOSITORY / ".sandbox"

HOST = "127.0.0.1"
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
DEFAULT_PORTS = {"postgres": 25432, "clickhouse": 28123, "valkey": 26379}

POSTGRES_DATABASE = "community"
POSTGRES_SCHEMA = "public"
POSTGRES_SUPERUSER = "postgres"
POSTGRES_SUPERUSER_PASSWORD = "postgres-sandbox"
POSTGRES_USER = "metrics_reader"
POSTGRES_PASSWORD = "metrics-reader-sandbox"
# Makes the views of expected counts (dbt run --target postgres); the other role may only read.
PARITY_USER = "metrics_parity"
PARITY_PASSWORD = "metrics-parity-sandbox"

# 'default' is taken: the engine itself logs in under that name, without a password (see clickhouse.py).
CLICKHOUSE_USER = "sandbox"
CLICKHOUSE_PASSWORD = "clickhouse-sandbox"
CLICKHOUSE_DATABASE = "metrics"
CLICKHOUSE_TIMEZONE = "UTC"

POSTGRES_COLLECTION = "postgres_source"


@dataclass(frozen=True)
class Sandbox:
    """Where one sandbox lives, which ports it listens on, and who may log in."""

    directory: Path
    ports: dict[str, int]
    postgres_user: str
    postgres_password: str
    clickhouse_user: str
    clickhouse_password: str
    clickhouse_database: str

    @property
    def logs(self) -> Path:
        """The folder of the servers' logs."""
        return self.directory / "logs"

    @property
    def postgres_dsn(self) -> str:
        """The superuser's connection, for setting up and seeding."""
        password = quote(POSTGRES_SUPERUSER_PASSWORD, safe="")
        return f"postgresql://{POSTGRES_SUPERUSER}:{password}@{HOST}:{self.ports['postgres']}/{POSTGRES_DATABASE}"

    @property
    def clickhouse_url(self) -> str:
        """The HTTP endpoint with its login."""
        user, password = (quote(text, safe="") for text in (self.clickhouse_user, self.clickhouse_password))
        return f"http://{user}:{password}@{HOST}:{self.ports['clickhouse']}/"

    @property
    def redis_url(self) -> str:
        """Valkey, which needs no login."""
        return f"redis://{HOST}:{self.ports['valkey']}/0"


def is_local(environment: Mapping[str, str], variable: str) -> bool:
    """Whether the host named by a variable is this machine: a real server's port or password is not the sandbox's."""
    return environment.get(variable, HOST) in LOOPBACK


def port_number(variable: str, text: str) -> int:
    """The port that a variable holds, or a ValueError that names both."""
    if text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    raise ValueError(f"{variable} is {text!r}, which is no port number (1 to 65535). Correct or unset it.")


def port_from_environment(server: str, environment: Mapping[str, str]) -> int | None:
    """The port that the clients' own variables (POSTGRES_PORT, CLICKHOUSE_PORT, REDIS_URL) name on this machine."""
    if server == "valkey":
        address = urlsplit(environment.get("REDIS_URL", ""))
        _, _, port = address.netloc.rpartition("@")[2].partition(":")
        return port_number("REDIS_URL's port", port) if port and address.hostname in LOOPBACK else None
    name = server.upper()
    port = environment.get(f"{name}_PORT")
    return port_number(f"{name}_PORT", port) if port and is_local(environment, f"{name}_HOST") else None


def resolve(
    directory: Path,
    options: Mapping[str, int | None],
    recorded: Mapping[str, int],
    environment: Mapping[str, str] = os.environ,
) -> Sandbox:
    """Settle the settings: an option, else the clients' variables, else what already runs, else the default."""

    def local(prefix: str, name: str, default: str) -> str:
        return environment.get(f"{prefix}_{name}") or default if is_local(environment, f"{prefix}_HOST") else default

    ports = {
        server: options.get(server) or port_from_environment(server, environment) or recorded.get(server) or default
        for server, default in DEFAULT_PORTS.items()
    }
    return Sandbox(
        directory=directory,
        ports=ports,
        postgres_user=local("POSTGRES", "USER", POSTGRES_USER),
        postgres_password=local("POSTGRES", "PASSWORD", POSTGRES_PASSWORD),
        clickhouse_user=local("CLICKHOUSE", "USER", CLICKHOUSE_USER),
        clickhouse_password=local("CLICKHOUSE", "PASSWORD", CLICKHOUSE_PASSWORD),
        clickhouse_database=local("CLICKHOUSE", "DATABASE", CLICKHOUSE_DATABASE),
    )


def client_environment(sandbox: Sandbox) -> dict[str, str]:
    """The variables by which dbt and the scripts find this sandbox."""
    return {
        "CLICKHOUSE_HOST": HOST,
        "CLICKHOUSE_PORT": str(sandbox.ports["clickhouse"]),
        "CLICKHOUSE_USER": sandbox.clickhouse_user,
        "CLICKHOUSE_PASSWORD": sandbox.clickhouse_password,
        "CLICKHOUSE_DATABASE": sandbox.clickhouse_database,
        "CLICKHOUSE_SECURE": "False",
        "POSTGRES_HOST": HOST,
        "POSTGRES_PORT": str(sandbox.ports["postgres"]),
        "POSTGRES_USER": sandbox.postgres_user,
        "POSTGRES_PASSWORD": sandbox.postgres_password,
        "POSTGRES_DATABASE": POSTGRES_DATABASE,
        "PARITY_POSTGRES_USER": PARITY_USER,
        "PARITY_POSTGRES_PASSWORD": PARITY_PASSWORD,
        "REDIS_URL": sandbox.redis_url,
    }
