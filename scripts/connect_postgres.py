#!/usr/bin/env python
"""Give ClickHouse the PostgreSQL connection that dbt reads through: a named collection.

The password then stands in no table definition, no log and nothing that dbt compiles.
"""

import os

import click

from sandbox_lib import settings
from sandbox_lib.clickhouse_http import ClickHouse, ClickHouseError, execute, quoted, quoted_name


def connect(server: ClickHouse, collection: str, connection: dict[str, str]) -> None:
    """Create the collection or bring it up to date, then prove that PostgreSQL answers through it."""
    name = quoted_name(collection)
    values = ", ".join(f"{key} = {quoted(value)}" for key, value in connection.items())
    create = f"create named collection if not exists {name} as {values}"
    # Creating leaves an older collection as it is; altering sets every value, so that both give the same end.
    alter = f"alter named collection {name} set {values}"
    try:
        execute(server, create)
        execute(server, alter)
    except ClickHouseError as error:
        raise click.ClickException(
            f"The named collection {collection} cannot be written: {scrubbed(error, connection)}"
        ) from None
    try:
        execute(server, f"select * from postgresql({name}, query = 'select 1 as answer') format Null")
    except ClickHouseError as error:
        raise click.ClickException(
            f"The named collection {collection} is written, but {described(connection)} cannot be read through it. "
            f"Check POSTGRES_HOST (as ClickHouse sees it), POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD and "
            f"POSTGRES_DATABASE. ClickHouse says: {scrubbed(error, connection)}"
        ) from None


def described(connection: dict[str, str]) -> str:
    """The connection for people to read: without its password."""
    return "{user}@{host}:{port}/{database}".format_map(connection)


def scrubbed(error: ClickHouseError, connection: dict[str, str]) -> str:
    """The message without the password: a server may quote the statement that it could not run."""
    text, password = str(error), connection["password"]
    for secret in filter(None, (quoted(password)[1:-1], password)):
        text = text.replace(secret, "[HIDDEN]")
    return text


def environment() -> dict[str, str]:
    """The variables that name the servers; whatever is unset is the sandbox's."""
    try:
        return settings.client_environment(settings.resolve(settings.DEFAULT_DIRECTORY, {}, {})) | os.environ
    except ValueError as error:
        raise click.ClickException(str(error)) from error


def clickhouse_from_environment() -> tuple[ClickHouse, str]:
    """The server that CLICKHOUSE_* name, and the database that models are built in."""
    variables = environment()
    try:
        port = settings.port_number("CLICKHOUSE_PORT", variables["CLICKHOUSE_PORT"])
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    server = ClickHouse(
        host=variables["CLICKHOUSE_HOST"],
        port=port,
        user=variables["CLICKHOUSE_USER"],
        password=variables["CLICKHOUSE_PASSWORD"],
        secure=variables["CLICKHOUSE_SECURE"].lower() in ("true", "1", "yes"),
    )
    return server, variables["CLICKHOUSE_DATABASE"]


@click.command()
@click.option("--collection", default=settings.POSTGRES_COLLECTION, show_default=True, help="Name of the collection.")
@click.option("--schema", default=settings.POSTGRES_SCHEMA, show_default=True, help="Schema that holds the tables.")
def main(collection: str, schema: str) -> None:
    """Create or update the ClickHouse named collection that holds the PostgreSQL connection, and test it.

    The connection is taken from POSTGRES_HOST (as ClickHouse sees it), POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD
    and POSTGRES_DATABASE; ClickHouse is found by CLICKHOUSE_HOST, CLICKHOUSE_PORT, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD
    and CLICKHOUSE_SECURE. Whatever is unset is the sandbox's.
    """
    server, _ = clickhouse_from_environment()
    variables = environment()
    keys = ("host", "port", "user", "password", "database")
    connection = {key: variables[f"POSTGRES_{key.upper()}"] for key in keys} | {"schema": schema}
    connect(server, collection, connection)
    click.echo(f"{collection}: {described(connection)}, schema {schema}")


if __name__ == "__main__":
    main()
