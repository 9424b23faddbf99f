"""Every default of the sandbox."""

from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DEFAULT_DIRECTORY = REPOSITORY / ".sandbox"

HOST = "127.0.0.1"
DEFAULT_PORTS = {"postgres": 25432, "clickhouse": 28123, "valkey": 26379}
# The ClickHouse nodes of `up --cluster`, one shard each. dbt and the scripts speak to the first.
NODES = ("clickhouse", "clickhouse_2")
CLUSTER = "sandbox"

POSTGRES_DATABASE = "community"
POSTGRES_SUPERUSER = "postgres"
POSTGRES_SUPERUSER_PASSWORD = "postgres-sandbox"
POSTGRES_USER = "metrics_reader"
POSTGRES_PASSWORD = "metrics-reader-sandbox"
# Makes the views of expected counts (dbt run --target postgres); the other role may only read.
PARITY_USER = "metrics_parity"
PARITY_PASSWORD = "metrics-parity-sandbox"

# The engine itself logs in as 'default', without a password (see clickhouse.py).
CLICKHOUSE_USER = "sandbox"
CLICKHOUSE_PASSWORD = "clickhouse-sandbox"
CLICKHOUSE_DATABASE = "metrics"
CLICKHOUSE_TIMEZONE = "UTC"


@dataclass(frozen=True)
class Sandbox:
    """Where one sandbox lives, and which ports it listens on."""

    directory: Path
    ports: dict[str, int]
    # By which the nodes of a cluster reach each other; empty: ClickHouse is one node.
    native_ports: dict[str, int] = field(default_factory=dict)

    @property
    def logs(self) -> Path:
        """The folder of the servers' logs."""
        return self.directory / "logs"

    @property
    def postgres_dsn(self) -> str:
        """The superuser's connection, for setting up and seeding."""
        login = f"{POSTGRES_SUPERUSER}:{POSTGRES_SUPERUSER_PASSWORD}"
        return f"postgresql://{login}@{HOST}:{self.ports['postgres']}/{POSTGRES_DATABASE}"

    @property
    def redis_url(self) -> str:
        """Valkey, which needs no login."""
        return f"redis://{HOST}:{self.ports['valkey']}/0"


def clickhouse(sandbox: Sandbox) -> dict[str, str | int | bool]:
    """ClickHouse, for dbt and the scripts; its database is theirs to name."""
    return {
        "host": HOST,
        "port": sandbox.ports["clickhouse"],
        "user": CLICKHOUSE_USER,
        "password": CLICKHOUSE_PASSWORD,
        "secure": False,
    }


def reader(sandbox: Sandbox) -> dict[str, str | int]:
    """PostgreSQL as ClickHouse connects to it."""
    return {
        "host": HOST,
        "port": sandbox.ports["postgres"],
        "user": POSTGRES_USER,
        "password": POSTGRES_PASSWORD,
        "database": POSTGRES_DATABASE,
    }


def environment(sandbox: Sandbox) -> dict[str, str]:
    """The variables by which dbt and the scripts find this sandbox, and by which the target production would."""
    return {
        "SANDBOX_DIR": str(sandbox.directory),
        "DBT_PROFILES_DIR": str(sandbox.directory),
        **{f"CLICKHOUSE_{name.upper()}": str(value) for name, value in clickhouse(sandbox).items()},
        "CLICKHOUSE_DATABASE": CLICKHOUSE_DATABASE,
        **{f"POSTGRES_{name.upper()}": str(value) for name, value in reader(sandbox).items()},
        "PARITY_POSTGRES_USER": PARITY_USER,
        "PARITY_POSTGRES_PASSWORD": PARITY_PASSWORD,
        "OWNER_POSTGRES_USER": POSTGRES_SUPERUSER,
        "OWNER_POSTGRES_PASSWORD": POSTGRES_SUPERUSER_PASSWORD,
        "REDIS_URL": sandbox.redis_url,
    }
