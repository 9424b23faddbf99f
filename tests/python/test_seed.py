"""The seed: the same numbers give the same rows, every hard case is there, and the legacy tables are right.

It is run in databases of its own beside the sandbox's, so that no other test sees its tables emptied.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import make_dsn
from sandbox_lib import seed as seeding
from sandbox_lib.clickhouse_http import execute

REPO = Path(__file__).resolve().parents[2]
SOURCES = REPO / "scripts" / "sandbox_lib"
CATALOG = REPO / "seeds" / "metric_catalog.csv"
DATABASE = "seed_check"
SCALE = 0.02
CUTOFF = "timestamp '2024-08-07 15:44:39.044'"
JUST_BEFORE = "timestamp '2024-08-07 15:44:39.043'"
CLICKHOUSE_TABLES = ("entityMetricEvents", "modelVersionEvents", "jobs", "buzz_resource_compensation")


@dataclass
class Seeded:
    """Databases seeded with 8, with 7, and with 7 again: what each run left, and where the last can be asked."""

    postgres_dsn: str
    clickhouse_url: str
    with_8: dict[str, tuple]
    with_7: dict[str, tuple]
    with_7_again: dict[str, tuple]

    def postgres(self, query: str) -> list[tuple]:
        return ask_postgres(self.postgres_dsn, query)

    def clickhouse(self, query: str) -> str:
        return ask_clickhouse(self.clickhouse_url, query)


def ask_postgres(dsn: str, query: str) -> list[tuple]:
    connection = psycopg2.connect(dsn)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def ask_clickhouse(url: str, query: str, database: str = DATABASE) -> str:
    return execute(seeding.clickhouse_server(url), query, database=database).strip()


def fingerprint(dsn: str, url: str) -> dict[str, tuple]:
    """Count and order-free hash of the rows, per table."""
    tables = ask_postgres(dsn, "select tablename from pg_tables where schemaname = 'public'")
    counts = " union all ".join(
        f"""select '{table}', count(*), sum(hashtextextended(t::text, 0)) from "{table}" as t""" for (table,) in tables
    )
    result = {table: tuple(rest) for table, *rest in ask_postgres(dsn, counts)}
    for table in CLICKHOUSE_TABLES:
        result[table] = tuple(ask_clickhouse(url, f"select count(), sum(sipHash64(*)) from {table}").split())
    return result


@pytest.fixture(scope="module")
def seeded(sandbox) -> Iterator[Seeded]:
    server, url = sandbox.postgres_dsn, sandbox.clickhouse_url
    dsn = make_dsn(server, dbname=DATABASE)
    # The last run sits in another time zone, which must not matter.
    denver = make_dsn(dsn, options="-c timezone=America/Denver")

    def drop() -> None:
        ask_postgres(server, f"drop database if exists {DATABASE} with (force)")
        ask_clickhouse(url, f"drop database if exists {DATABASE} sync", "default")

    def run(random_seed: int, login: str) -> dict[str, tuple]:
        seeding.seed(SCALE, random_seed, login, url, print, application=DATABASE, orchestration=DATABASE)
        return fingerprint(dsn, url)

    drop()
    try:
        ask_postgres(server, f"create database {DATABASE}")
        ask_postgres(dsn, (SOURCES / "postgres_source.sql").read_text())
        ask_clickhouse(url, f"create database {DATABASE}", "default")
        source = re.sub(r"^--.*\n", "", (SOURCES / "clickhouse_source.sql").read_text(), flags=re.MULTILINE)
        for statement in re.sub(r"\b(default|orchestration)\.", "", source).split(";"):
            if statement.strip():
                ask_clickhouse(url, statement)
        yield Seeded(dsn, url, run(8, dsn), run(7, dsn), run(7, denver))
    finally:
        drop()


def test_the_same_seed_gives_the_same_rows(seeded):
    assert seeded.with_7 == seeded.with_7_again


def test_another_seed_gives_other_rows(seeded):
    same = {table for table, rows in seeded.with_7.items() if seeded.with_8[table] == rows}
    assert same == set()


# Every hard case: what to find it by. An entry is the text after `select count(*) from`, for rows that must be there.
GONE = 'not exists (select from "{0}" as owner where owner.id = {1})'


def gone(table: str, column: str) -> str:
    return GONE.format(table, column)


def dates(table: str, column: str = '"createdAt"') -> dict[str, str]:
    return {
        f"{table}: {column} at the cutoff": f'"{table}" where {column} = {CUTOFF}',
        f"{table}: {column} a millisecond before": f'"{table}" where {column} = {JUST_BEFORE}',
    }


POSTGRES_CASES = {
    # ids
    "Image: ids leap beyond two billion": '"Image" where id > 2000000000 having count(*) = 60',
    "ImageReaction: ids leap beyond two billion": '"ImageReaction" where id > 2000000000 having count(*) = 400',
    "ImageReaction: five million ids in a row are missing": (
        '(select id - lag(id) over (order by id) as step from "ImageReaction") as s where step between 5000000 and 9000000'
    ),
    "ImageReaction: withdrawn here and there": (
        '(select id - lag(id) over (order by id) as step from "ImageReaction") as s where step = 2'
    ),
    "ImageReaction: a low id on a far image": '"ImageReaction" where id < 1000 and "imageId" = 2000000000',
    "ImageResourceNew: far images": '"ImageResourceNew" where "imageId" > 2000000000',
    "BuzzTip, CollectionItem, Thread: a far image": (
        '"BuzzTip" where "entityId" = 2000000000 and exists (select from "CollectionItem" where "imageId" = 2000000000)'
        ' and exists (select from "Thread" where "imageId" = 2000000000)'
    ),
    # images and their reactions
    "Image: no post": '"Image" where "postId" is null',
    "Image: user is gone": f'"Image" where {gone("User", chr(34) + "userId" + chr(34))}',
    "Image: post is gone": f'"Image" where "postId" is not null and {gone("Post", chr(34) + "postId" + chr(34))}',
    "ImageReaction: image is gone": f'"ImageReaction" where {gone("Image", chr(34) + "imageId" + chr(34))}',
    "ImageReaction: on an image without a post": (
        '"ImageReaction" as r inner join "Image" as i on r."imageId" = i.id where i."postId" is null'
    ),
}
