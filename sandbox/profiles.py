"""profiles.yml of the sandbox: the targets of profiles.yml.example, and its own servers beside them, word for word."""

import click
import yaml

from sandbox import settings
from sandbox.processes import replace
from sandbox.settings import HOST, Sandbox

WRITTEN = "# scripts/sandbox.py up writes this file, and replaces it as long as this is its first line."


def targets(sandbox: Sandbox) -> dict[str, dict[str, dict]]:
    """The targets that reach this sandbox and nothing else, by profile."""
    clickhouse = {
        "type": "clickhouse",
        "driver": "http",
        **settings.clickhouse(sandbox),
        "schema": f"{{{{ env_var('SANDBOX_CLICKHOUSE_DATABASE', '{settings.CLICKHOUSE_DATABASE}') }}}}",
        "threads": 4,
        "send_receive_timeout": 86400,
    }
    postgres = {
        "type": "postgres",
        "host": HOST,
        "port": sandbox.ports["postgres"],
        "user": settings.PARITY_USER,
        "password": settings.PARITY_PASSWORD,
        "dbname": settings.POSTGRES_DATABASE,
        "schema": "metric_parity",
        "threads": 4,
    }
    owner = postgres | {
        "user": settings.POSTGRES_SUPERUSER,
        "password": settings.POSTGRES_SUPERUSER_PASSWORD,
        "threads": 1,
    }
    return {
        "entity_metrics": {"sandbox": clickhouse, "postgres": postgres, "postgres_owner": owner},
        "entity_metrics_beside": {"sandbox": {"redis_url": sandbox.redis_url, "postgres": settings.reader(sandbox)}},
    }


def write(sandbox: Sandbox) -> None:
    """Write profiles.yml into the sandbox's folder, and for the default one beside dbt_project.yml, where dbt looks."""
    profiles = yaml.safe_load((settings.REPOSITORY / "profiles.yml.example").read_text())
    for profile, outputs in targets(sandbox).items():
        profiles[profile]["outputs"] |= outputs
    outputs = profiles["entity_metrics"]["outputs"]
    outputs["sandbox"]["custom_settings"] = dict(outputs["production"]["custom_settings"])
    text = f"{WRITTEN}\n{yaml.safe_dump(profiles, sort_keys=False, width=1000)}"
    sandbox.directory.mkdir(parents=True, exist_ok=True)
    replace(sandbox.directory / "profiles.yml", text)
    if sandbox.directory != settings.DEFAULT_DIRECTORY:
        return
    file = settings.REPOSITORY / "profiles.yml"
    if not file.exists() or file.read_text().startswith(WRITTEN + "\n"):
        replace(file, text)
    else:
        click.echo(f"{file} is your own and stays as it is; DBT_PROFILES_DIR={sandbox.directory} reaches the sandbox.")
