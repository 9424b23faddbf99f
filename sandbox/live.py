"""The application while it goes on: rows change, and it records the events, from a cutoff on, until it is stopped."""

import signal
import threading
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psycopg2

from sandbox import tracker
from wording import how_many

if TYPE_CHECKING:
    from clickhouse_connect.driver import Client

# One at a time: a look sees only what changes add up to, and a follow that has ended by then is none.
CHANGES = Path(__file__).with_name("live.sql").read_text().strip().split(";\n\n")
# Downloads: rows that the application writes to ClickHouse.
DOWNLOADS = """
insert into default.modelVersionEvents
select * replace (now('UTC') as time)
from default.modelVersionEvents
where type = 'Download'
order by rand()
limit 5
"""
# Seconds between two changes: a look at all rows takes a core of the machine.
PAUSE = 1


def live(postgres_dsn: str, client: "Client", event_log: str) -> None:
    """Print the cutoff, then change rows and record their events, until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    recorded = 0
    with psycopg2.connect(postgres_dsn) as connection, connection.cursor() as cursor:
        application = tracker.Tracker(cursor, client, event_log)
        connection.commit()
        # No row changes between the application's first look and this moment.
        click.echo(f"cutoff: {datetime.now(UTC).replace(tzinfo=None).isoformat(' ', 'milliseconds')}")
        for change in cycle([*CHANGES, DOWNLOADS]):
            if stop.wait(PAUSE):
                break
            if change == DOWNLOADS:
                client.command(change)
            else:
                cursor.execute(change)
            recorded += len(application.record())
            connection.commit()
    click.echo(f"{how_many(recorded, 'event')} recorded")
