"""The event contract, played: a tracker that reads nothing else follows each kind of change, and the log stays right.

What is changed is what the page lists: rows of each table, each of the columns it names, each kind of entity.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg2
import pytest
from conftest import REPO, Project, Sandbox, start_sandbox, stop_sandbox
from parity_checks import found
from psycopg2.extensions import cursor as Cursor

from sandbox import tracker

PLANTED = {"Image ReactionLike": (0, 0, 1, 0), "Image ReactionHeart": (0, 0, 1, 0), "User Follower": (0, 2, 0, 1)}
ROWS = 40
# The application only adds to its tables in ClickHouse; a restated row takes the place of the one before.
CLICKHOUSE = [
    f"insert into {table} select * replace ({new}) from {table} {where} limit {ROWS}"
    for table, new, where in (
        ("default.modelVersionEvents", "now() as time", "where type = 'Download'"),
        ("orchestration.jobs", "now64(3) as createdAt", ""),
        ("default.buzz_resource_compensation", "total + 7 as total, updated_at + 1 as updated_at", "final"),
    )
]


@dataclass
class Change:
    """What the page says of a source table and a section."""

    table: str
    columns: list[str]
    section: str
    joined: bool


def changes() -> list[Change]:
    """The page's table of source tables, but for the entities."""
    line = re.compile(r"\| `(\S+)` \| `\+` \| `-` old, `\+` new: (.*) \| `-` \| \[(\w+)\]\(#\w+\), (.*) \|")
    found = [
        Change(cells[1], cells[2].split(", "), cells[3], "joins" in cells[4])
        for cells in map(line.fullmatch, tracker.CONTRACT.read_text().splitlines())
        if cells
    ]
    return found


class Community:
    """Changes rows, has the tracker record it, and remembers what the tracker recorded."""

    def __init__(self, cursor: Cursor, servers: Sandbox) -> None:
        self.cursor, self.servers = cursor, servers
        self.tracker = tracker.Tracker(cursor, servers.client, "default.entityMetricEvents")
        self.metrics = {
            section.name: {f"{event['entityType']} {event['metricType']}" for event in section.events}
            for section in self.tracker.sections
        }
        self.recorded: set[str] = set()

    def record(self) -> dict[str, set[int]]:
        """Metrics that changed, with the values recorded."""
        values: dict[str, set[int]] = {}
        for (entity_type, _, _, metric_type), value in self.tracker.record().items():
            values.setdefault(f"{entity_type} {metric_type}", set()).add(value)
        self.recorded |= set(values)
        return values

    def delete_and_insert(self, table: str) -> None:
        """Some rows go, and come again."""
        self.cursor.execute(f"""
            create temporary table gone on commit drop as
            select * from "{table}" as t order by hashtext(t::text) limit {ROWS};
            delete from "{table}" as t using gone where t::text = gone::text
        """)
        assert all(value < 0 for values in self.record().values() for value in values), table
        self.cursor.execute(f'insert into "{table}" select * from gone; drop table gone')
        assert all(value > 0 for values in self.record().values() for value in values), table

    def update(self, table: str, changes: list[Change]) -> None:
        """In each column that the page names, some rows take the value of another row, unless a key forbids that."""
        for column in {column for change in changes for column in change.columns}:
            self.cursor.execute(f"""
                do $$
                declare row_id tid;
                begin
                    for row_id in
                        select ctid from "{table}" as t order by hashtext(t::text || '{column}') limit {ROWS}
                    loop
                        begin
                            update "{table}" as t set "{column}" = (
                                select other."{column}" from "{table}" as other
                                where other."{column}" is distinct from t."{column}"
                                order by hashtext(row_id::text || other::text) limit 1
                            ) where ctid = row_id;
                        exception when integrity_constraint_violation then
                        end;
                    end loop;
                end $$
            """)
        assert set(self.record()) <= set().union(*(self.metrics[change.section] for change in changes)), table

    def delete_entities(self, entity_type: str) -> None:
        """A few of those that have most go, unless a key forbids that, and what hangs on them by foreign keys."""
        most = [entity for (kind, entity, *_), _ in self.tracker.seen.most_common() if kind == entity_type]
        self.cursor.execute(
            f"""
            do $$
            declare
                entity int;
                gone int = 0;
            begin
                foreach entity in array array{list(dict.fromkeys(most))} loop
                    begin
                        delete from "{entity_type}" where id = entity;
                        gone = gone + 1;
                    exception when integrity_constraint_violation then
                    end;
                    exit when gone = 4;
                end loop;
                assert gone = 4;
            end $$
            """
        )
        assert self.record()


@pytest.fixture(scope="module")
def servers() -> Iterator[Sandbox]:
    """Servers of its own: rows of all tables are changed."""
    running = start_sandbox(REPO / ".sandbox" / f"pytest-contract-{os.getpid()}")
    yield running
    stop_sandbox(running)


@pytest.fixture(scope="module")
def project(servers: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Project:
    built = Project(
        servers, "metrics", tmp_path_factory.mktemp("contract"), vars={"event_log": "default.entityMetricEvents"}
    )
    built.dbt("run", "--select", "tag:backfill")
    return built


@pytest.fixture(scope="module")
def settled(project: Project) -> Project:
    """A log without the planted drift. Each of these tests may run in a process of its own."""
    project.dbt("run", "--select", "tag:reconcile")
    return project


def assert_parity(project: Project, expected: dict[str, tuple[int, ...]]) -> None:
    """Parity of the present finds this, and nothing else."""
    output = project.dbt("test", "--select", "test_name:source_parity", parity="present", fails=bool(expected))
    assert found(output) == expected


def test_the_seeds_tracker_follows_the_contract_but_for_the_planted_drift(project: Project) -> None:
    assert_parity(project, PLANTED)


def test_reconcile_repairs_the_planted_drift_within_its_limit(settled: Project) -> None:
    assert_parity(settled, {})


def test_a_tracker_that_follows_the_contract_needs_no_reconcile(settled: Project, servers: Sandbox) -> None:
    with psycopg2.connect(servers.postgres_dsn) as connection, connection.cursor() as cursor:
        community = Community(cursor, servers)
        listed = changes()
        in_postgres = [change for change in listed if "." not in change.table]
        for table in {change.table for change in in_postgres if not change.joined}:
            community.delete_and_insert(table)
        for table in {change.table for change in in_postgres}:
            community.update(table, [change for change in in_postgres if change.table == table])
        for change in CLICKHOUSE:
            servers.command(change)
            community.record()
        for entity_type in {metric.split()[0] for metrics in community.metrics.values() for metric in metrics}:
            community.delete_entities(entity_type)
        connection.commit()
    assert community.recorded == set().union(*community.metrics.values())
    assert_parity(settled, {})
