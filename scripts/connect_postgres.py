#!/usr/bin/env python
"""Give ClickHouse the PostgreSQL connection that dbt reads through: a named collection.

The password then stands in no table definition, no log and nothing that dbt compiles.
"""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import click
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.binding import format_str, quote_identifier
from clickhouse_connect.driver.exceptions import ClickHouseError

import targets

COLLECTION = "postgres_source"
SCHEMA = "public"


def connect(client: Client, collection: str, connection: dict[str, str | int]) -> None:
    """Create the collection or bring it up to date, then prove that PostgreSQL answers through it."""
    name = quote_identifier(collection)
    values = ", ".join(f"{key} = {format_str(str(value))}" for key, value in connection.items())
    create = f"create named collection if not exists {name} as {values}"
    # Create leaves an older collection as it is; alter sets every value.
    alter = f"alter named collection {name} set {values}"
    try:
        client.command(create)
        client.command(alter)
    except ClickHouseError as error:
        raise click.ClickException(
            f"The named collection {collection} cannot be written: {scrubbed(error, connection)}"
        ) from None
    try:
        client.command(f"select * from postgresql({name}, query = 'select 1 as answer')")
    except ClickHouseError as error:
        raise click.ClickException(
            f"The named collection {collection} is written, but {described(connection)} cannot be read through it. "
            f"Check the target's host (as ClickHouse sees it), port, user, password and database. ClickHouse says: "
            f"{scrubbed(error, connection)}"
        ) from None


def described(connection: dict[str, str | int]) -> str:
    """The connection for people to read: without its password."""
    return "{user}@{host}:{port}/{database}".format_map(connection)


def scrubbed(error: ClickHouseError, connection: dict[str, str | int]) -> str:
    """The message without the password: a server may quote the statement that it could not run."""
    text, password = str(error), str(connection["password"])
    for secret in filter(None, (format_str(password)[1:-1], password)):
        text = text.replace(secret, "[HIDDEN]")
    return targets.one_line(text)


@click.command()
@targets.target_option()
@click.option("--collection", default=COLLECTION, show_default=True, help="Name of the collection.")
@click.option("--schema", default=SCHEMA, show_default=True, help="Schema that holds the tables.")
def main(target: str, collection: str, schema: str) -> None:
    """Create or update the ClickHouse named collection that holds the PostgreSQL connection, and test it.

    Both servers are the target's. Production's are named by CLICKHOUSE_HOST, CLICKHOUSE_PORT, CLICKHOUSE_USER,
    CLICKHOUSE_PASSWORD, CLICKHOUSE_DATABASE and CLICKHOUSE_SECURE, and by POSTGRES_HOST (as ClickHouse sees it),
    POSTGRES_PORT, POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DATABASE.
    """
    targets.require(target, "clickhouse", "postgres")
    connection = targets.postgres(target) | {"schema": schema}
    with targets.clickhouse(target) as client:
        connect(client, collection, connection)
    click.echo(f"{collection}: {described(connection)}, schema {schema}, in {targets.clickhouse_address(target)}")


if __name__ == "__main__":
    main()
