"""Live tracking as docs/event-contract.md asks for it. Of the metrics, this module knows what that page says."""

import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from psycopg2.extensions import cursor as Cursor

from sandbox.settings import REPOSITORY

if TYPE_CHECKING:
    from clickhouse_connect.driver import Client
    from clickhouse_connect.driver.external import ExternalData

# An entity's event: entityType, entityId, userId, metricType.
Event = tuple[str, int, int, str]
CONTRACT = REPOSITORY / "docs" / "event-contract.md"


@dataclass(frozen=True)
class Section:
    """The rows that an application writes, and the events that each of them is."""

    name: str
    engine: str
    rows: str
    # Each event as the page has it: a cell by the head of its column.
    events: list[dict[str, str]]


def contract() -> list[Section]:
    """The sections of the page."""
    return [section(text) for text in re.split(r"^### ", CONTRACT.read_text(), flags=re.MULTILINE)[1:]]


def section(text: str) -> Section:
    """A section, from its text."""
    name, _, rest = text.partition("\n")
    _, engine, _ = re.split(r"Rows, in (\w+):", rest)
    rows, table = re.fullmatch(r".*```sql\n(.*)\n```\n(.*)", rest, re.DOTALL).groups()
    head, _, *lines = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in table.strip().splitlines()]
    return Section(name, engine, rows, [dict(zip(head, line, strict=True)) for line in lines])


def events(section: Section, since: object = "1970-01-01", databases: dict[str, str] | None = None) -> str:
    """A query of all events that a section's rows are now, from a moment on; in the SQL of the section's engine.

    databases: where tables of ClickHouse's databases are instead.
    """
    for database, here in (databases or {}).items():
        section = replace(section, rows=section.rows.replace(f"from {database}.", f"from {here}."))
    metrics = "\n\nunion all\n\n".join(metric(event, since) for event in section.events)
    return f"with the_row as (\n{section.rows}\n)\n\n{metrics}"


def metric(event: dict[str, str], since: object) -> str:
    """The events of one metric."""
    once = event["counts"] == "once a user"
    moment = f"coalesce({event['moment']}, '2022-11-01')"
    conditions = [
        f"({event['condition'] or 'true'})",
        f'{event["entityId"]} in (select id from "{event["entityType"]}")',
        f"{event['metricValue']} <> 0",
    ]
    return f"""
    select *
    from (
        select
            '{event["entityType"]}' as "entityType",
            {event["entityId"]} as "entityId",
            coalesce({event["userId"]}, 0) as "userId",
            '{event["metricType"]}' as "metricType",
            {event["metricValue"]} as "metricValue",
            {f"min({moment})" if once else moment} as happened
        from the_row
        where {" and ".join(conditions)}
        {"group by 2, 3" if once else ""}
    ) as event
    where happened >= '{since}'"""


def models_and_versions(cursor: Cursor) -> "ExternalData":
    """What the application knows of PostgreSQL when it writes rows into ClickHouse, as tables of one query there."""
    from clickhouse_connect.driver.external import ExternalData

    known = ExternalData()
    for table, columns in (("Model", ["id"]), ("ModelVersion", ["id", "modelId"])):
        file, quoted = io.StringIO(), ", ".join(f'"{column}"' for column in columns)
        cursor.copy_expert(f'copy (select {quoted} from "{table}") to stdout', file)
        known.add_file(
            file_name=table,
            fmt="TabSeparated",
            structure=[f"{column} Int32" for column in columns],
            data=file.getvalue().encode(),
        )
    return known


class Tracker:
    """Records in an event log what changes of the rows between one look and the next."""

    def __init__(self, cursor: Cursor, client: "Client", log: str) -> None:
        self.cursor, self.client, self.log = cursor, client, log
        self.sections = contract()
        self.seen = self.look()

    def look(self) -> Counter[Event]:
        """What the events of all rows add up to now."""
        found: Counter[Event] = Counter()
        known = models_and_versions(self.cursor)
        for section in self.sections:
            query = f"""
                select "entityType", "entityId", "userId", "metricType", sum("metricValue") as total
                from ({events(section)}) as event group by 1, 2, 3, 4
            """
            if section.engine == "PostgreSQL":
                self.cursor.execute(query)
                rows = self.cursor.fetchall()
            else:
                rows = self.client.query(query, external_data=known).result_rows
            found.update({tuple(event): int(total) for *event, total in rows})
        return found

    def record(self) -> Counter[Event]:
        """Write what has changed since the last look; return it."""
        seen, self.seen = self.seen, self.look()
        changed = Counter({event: self.seen[event] - seen[event] for event in self.seen | seen})
        changed = Counter({event: value for event, value in changed.items() if value})
        if changed:
            names = ["entityType", "entityId", "userId", "metricType", "metricValue", "createdAt"]
            now = datetime.now(UTC)
            self.client.insert(self.log, [[*event, value, now] for event, value in changed.items()], names)
        return changed
