"""The backfill as it is usually written, to be compared with, and for nothing else.

A metric at a time, in ranges of ids: PostgreSQL is asked for the events of a range, a client fetches them and inserts
them into ClickHouse, ten ranges at once. The rules are those of docs/event-contract.md, so the events are the same.
Metrics of rows in ClickHouse are an insert from a select each.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from queue import SimpleQueue

import psycopg2
import sqlglot
from clickhouse_connect.driver import Client
from psycopg2.extensions import cursor as Cursor

import targets
from event_contract import driving_tables
from sandbox import tracker

RANGE = 100_000
AT_ONCE = 10
COLUMNS = ["entityType", "entityId", "userId", "metricType", "metricValue", "createdAt"]
FIRST_ID = -(2**31)
FIRST_MOMENT = "1970-01-01 00:00:01"


def usual_way(client: Client, event_log: str, cutoff: str, keys: dict[str, str | None]) -> None:
    """Write all events before the cutoff into an empty event log.

    keys: of each table of PostgreSQL the integer that leads its primary key, if there is one.
    """
    with ExitStack() as stack:
        free: SimpleQueue[tuple[Cursor, Client]] = SimpleQueue()
        for _ in range(AT_ONCE):
            connection = stack.enter_context(closing(connect()))
            free.put((connection.cursor(), stack.enter_context(targets.clickhouse("sandbox"))))
        cursor = stack.enter_context(closing(connect())).cursor()
        known = tracker.models_and_versions(cursor)

        def carry(query: str) -> None:
            of_postgres, of_clickhouse = pair = free.get()
            try:
                of_postgres.execute(query)
                if rows := of_postgres.fetchall():
                    of_clickhouse.insert(event_log, rows, COLUMNS)
            finally:
                free.put(pair)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            carried = []
            for section in tracker.contract():
                for event in section.events:
                    one = replace(section, events=[event])
                    if section.engine == "PostgreSQL":
                        carried += [pool.submit(carry, query) for query in queries(cursor, one, cutoff, keys)]
                    else:
                        happened = f"greatest(happened, toDateTime64('{FIRST_MOMENT}', 3, 'UTC'))"
                        insert = f"insert into {event_log} ({', '.join(COLUMNS)}) {before(cutoff, one, happened)}"
                        client.command(insert, external_data=known)
            for done in carried:
                done.result()


def connect() -> psycopg2.extensions.connection:
    """A connection to the source, as ClickHouse's own."""
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "DATABASE"}
    connection = psycopg2.connect(**{name: os.environ[f"POSTGRES_{variable}"] for name, variable in names.items()})
    connection.autocommit = True
    return connection


def before(cutoff: str, section: tracker.Section, moment: str, since: str = "1970-01-01") -> str:
    """A query of a section's events before the cutoff. moment: when an event happened, from the column happened."""
    columns = ", ".join(f'"{column}"' for column in COLUMNS[:-1])
    return (
        f'select {columns}, {moment} as "createdAt" from ({tracker.events(section, since)}) as event'
        f" where happened < '{cutoff}'"
    )


def queries(cursor: Cursor, section: tracker.Section, cutoff: str, keys: dict[str, str | None]) -> Iterator[str]:
    """A query for each range of the ids of a metric's rows, or of its entities where a user counts once."""
    (event,) = section.events
    moment = f"greatest(happened, '{FIRST_MOMENT}') at time zone 'UTC'"
    once = event["counts"] == "once a user"
    tree = sqlglot.parse_one(section.rows, read="postgres")
    tables = driving_tables(tree, {cte.alias: cte.this for cte in tree.ctes})
    ranged = {event["entityType"]: "id"} if once else {table: keys[table] for table in tables}
    for first, after in ranges(cursor, ranged):
        condition, rows = "", section.rows
        if once:
            condition = f' and "entityId" >= {first} and "entityId" < {after}'
        elif first is not None:
            for table, key in ranged.items():
                some = f'(select * from "{table}" where "{key}" >= {first} and "{key}" < {after})'
                rows = rows.replace(f'from "{table}"', f"from {some}")
        yield before(cutoff, replace(section, rows=rows), moment, "-infinity") + condition


def ranges(cursor: Cursor, keys: dict[str, str | None]) -> Iterator[tuple[int | None, int | None]]:
    """Ranges of the keys of some tables, past all gaps: one without bounds if a table has no key that is a number."""
    if None in keys.values():
        yield None, None
        return
    smallest = " union all ".join(
        f'select min("{key}") as key from "{table}" where "{key}" >= %(first)s' for table, key in keys.items()
    )
    first = FIRST_ID
    while True:
        cursor.execute(f"select min(key) from ({smallest}) as found", {"first": first})
        (first,) = cursor.fetchone()
        if first is None:
            return
        yield first, first + RANGE
        first += RANGE
