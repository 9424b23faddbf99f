"""Staging: PostgreSQL's rows in ClickHouse, copied in slices, each exactly once.

The module's source is a copy of the community in a schema of its own, so that tests may change it. One run lands
everything; a second one follows after changes to several tables, each watched by a test of its own.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from conftest import GOALS_BY, REPO, Sandbox, drop_databases, goals_by, new_project
from event_log_checks import (
    AT_ONCE,
    SCRATCH,
    forget_landing,
    leave_behind,
    leftovers,
    unfinish_landings,
)
from parsed_project import ParsedProject, wait_until

SCHEMA, DATABASE, SLICE_SIZE = "copied", "staging", 500
# So that dbt keeps the statements in a file.
FILED = ("--log-level-file", "debug")
SLICES = {"slice_size": SLICE_SIZE, "postgres_schema": SCHEMA}
# The last and the first keys of slices at and below zero; the last ones alone, which leave a slice one row.
KEYS_AT_EDGES = [-1501, -1500, -1001, -1000, -999, -501, -500, -499, -1, 0]
KEYS_AT_LOWER_EDGES = [-1999, -1001, -501]
# These two lead their primary key with text: they are copied whole.
UNSLICED = {"BuzzTip", "BountyEngagement"}
# No row of theirs is left.
EMPTY = {"ArticleEngagement", "BountyEngagement"}


# What PostgreSQL and ClickHouse hold ----------------------------------------------------------------------------------


def source_tables(sandbox: Sandbox) -> list[str]:
    """The tables that metrics are made from; the legacy *Metric tables are not."""
    tables = sandbox.postgres("select tablename from pg_tables where schemaname = 'public' order by 1")
    return [table for (table,) in tables if not table.endswith("Metric")]


def staging_model(table: str) -> str:
    return "stg_" + re.sub(r"(?<!^)(?=[A-Z])", "_", table).lower()


def columns_of(sandbox: Sandbox, model: str) -> dict[str, str]:
    columns = sandbox.rows(
        f"select name, type from system.columns where database = '{DATABASE}' and table = '{model}' order by position"
    )
    return {name: kind for name, kind in columns if name != "_landed_at"}


def postgres_text(column: str, kind: str) -> str:
    """A value as text, in PostgreSQL's SQL; clickhouse_text() gives the same text for the same value."""
    if "DateTime64" in kind:
        text = f"to_char(\"{column}\", 'YYYY-MM-DD HH24:MI:SS.MS')"
    elif kind.startswith("Array"):
        text = f"array_to_string(\"{column}\", ',')"
    else:
        text = f'"{column}"::text'
    # ClickHouse knows no null array.
    return f"coalesce({text}, '{'' if kind.startswith('Array') else 'null'}')"


def clickhouse_text(column: str, kind: str) -> str:
    if kind.startswith("Array"):
        return f"arrayStringConcat(`{column}`, ',')"
    return f"ifNull(toString(`{column}`), 'null')"


def in_postgres(sandbox: Sandbox, columns: dict[str, dict[str, str]]) -> dict[str, tuple]:
    """Rows of each source table and an order-free hash of the columns that are staged, by PostgreSQL."""
    queries = []
    for table, kinds in columns.items():
        row = " || '|' || ".join(postgres_text(*column) for column in kinds.items())
        queries.append(
            f"select '{table}', count(*), coalesce(sum(('x' || left(md5({row}), 12))::bit(48)::bigint), 0)::bigint"
            f' from {SCHEMA}."{table}"'
        )
    return {table: rest for table, *rest in map(list, sandbox.postgres(" union all ".join(queries)))}


def in_staging(sandbox: Sandbox, columns: dict[str, dict[str, str]]) -> dict[str, tuple]:
    queries = []
    for table, kinds in columns.items():
        row = " || '|' || ".join(clickhouse_text(*column) for column in kinds.items())
        queries.append(
            f"select '{table}', count(), sum(reinterpretAsUInt64(reverse('\\0\\0' || substring(MD5({row}), 1, 6))))"
            f" from {DATABASE}.{staging_model(table)}"
        )
    return {table: rest for table, *rest in map(list, sandbox.rows(" union all ".join(queries)))}


def assert_equals_source(sandbox: Sandbox, *tables: str) -> None:
    columns = {table: columns_of(sandbox, staging_model(table)) for table in tables}
    assert all(columns.values()), columns
    assert in_staging(sandbox, columns) == in_postgres(sandbox, columns)


def partitions(sandbox: Sandbox, model: str) -> dict[int, tuple]:
    """Each partition of a staging table: its rows, and when they were landed, by which one landed anew is told."""
    rows = sandbox.rows(
        f"""
        select toInt32(_partition_id), count(), min(_landed_at), max(_landed_at)
        from {DATABASE}.{model}
        group by 1
        order by 1
        """
    )
    return {number: rest for number, *rest in rows}


def source_slices(sandbox: Sandbox, table: str, key: str = "id", size: int = SLICE_SIZE) -> set[int]:
    return {n for (n,) in sandbox.postgres(f'select distinct "{key}" / {size} from {SCHEMA}."{table}"')}


def slices_landed(output: str, model: str) -> int:
    found = re.findall(rf"{model}: (\d+) slices? landed", output)
    assert len(found) == 1, output
    return int(found[0])


def connections_of_the_reader(sandbox: Sandbox) -> int:
    return sandbox.postgres("select count(*) from pg_stat_activity where usename = 'metrics_reader'")[0][0]


@contextmanager
def postgres_change(sandbox: Sandbox, change: str, undo: str) -> Iterator[None]:
    sandbox.postgres(change)
    try:
        yield
    finally:
        sandbox.postgres(undo)


@contextmanager
def row_policy(sandbox: Sandbox, table: str, visible: str) -> Iterator[None]:
    """What the reader sees of a table, decided anew at each statement: its rows are read by real, failing reads.

    A run refuses to begin where there is a policy, so it is in force only once the first statement waits for the table.
    """
    table = f'{SCHEMA}."{table}"'
    connection = psycopg2.connect(sandbox.postgres_dsn)
    connection.cursor().execute(
        f"""
        alter table {table} enable row level security;
        create policy seen on {table} for select using ({visible});
        """
    )

    def enforce() -> None:
        wait_until(lambda: sandbox.waiting_for(table))
        connection.commit()

    enforcing = threading.Thread(target=enforce)
    enforcing.start()
    try:
        yield
    finally:
        enforcing.join()
        connection.close()
        sandbox.postgres(f"drop policy if exists seen on {table}; alter table {table} disable row level security")


@contextmanager
def lock_inherited(sandbox: Sandbox, number: int) -> Iterator[None]:
    """Once a session has taken an advisory lock, it stays held: when that session ends, by one of the test's."""
    heir = psycopg2.connect(sandbox.postgres_dsn)
    heir.autocommit = True

    def inherit() -> None:
        with heir.cursor() as cursor:
            wait_until(lambda: cursor.execute(f"select from pg_locks where objid = {number}") or cursor.rowcount)
            cursor.execute(f"select pg_advisory_lock({number})")

    waiting = threading.Thread(target=inherit)
    waiting.start()
    try:
        yield
        waiting.join()
    finally:
        heir.close()


# The runs -------------------------------------------------------------------------------------------------------------


@dataclass
class Landed:
    """The module's project after its first run."""

    project: ParsedProject
    output: str
    # Of the first run alone: what it asked of PostgreSQL, and dbt's own log.
    statements: list[str]
    log: str

    @property
    def sandbox(self) -> Sandbox:
        return self.project.sandbox

    def run(self, *models: str, **options: object) -> str:
        return self.project.run(*models, **options)


def last_log(project: ParsedProject) -> str:
    """What dbt itself wrote about the last run."""
    return max(project.target.glob("run-*/dbt.log"), key=lambda path: path.stat().st_mtime_ns).read_text()


@pytest.fixture(scope="module")
def landed(parsed_once: ParsedProject, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Landed]:
    sandbox = parsed_once.sandbox
    sandbox.postgres(
        f"create schema {SCHEMA};"
        + "".join(
            f'create table {SCHEMA}."{table}" (like public."{table}" including all);'
            f'insert into {SCHEMA}."{table}" select * from public."{table}";'
            for table in source_tables(sandbox)
        )
        + f"""
        -- Division truncates, so that keys from -499 to 499 make up slice 0.
        insert into {SCHEMA}."UserEngagement"
        select user_id, -7, 'Follow', '2023-01-01' from unnest(array{KEYS_AT_EDGES}) as user_id;
        insert into {SCHEMA}."TagEngagement"
        select user_id, 7, 'Follow', '2023-01-01' from unnest(array{KEYS_AT_LOWER_EDGES}) as user_id;
        -- A source may be empty, be it copied in slices or whole.
        delete from {SCHEMA}."ArticleEngagement";
        delete from {SCHEMA}."BountyEngagement";
        grant usage on schema {SCHEMA} to metrics_reader;
        grant select on all tables in schema {SCHEMA} to metrics_reader;
        alter role metrics_reader set log_min_duration_statement = 0;
        """
    )
    folder = tmp_path_factory.mktemp("staging")
    new_project(sandbox, DATABASE, folder)
    project = replace(parsed_once, database=DATABASE, target=folder, vars=SLICES)
    server_log = sandbox.dir / "logs" / "postgres.log"
    already = server_log.stat().st_size
    output = project.dbt("run", "--select", "path:models/staging", "collection_item_events", *FILED)
    sandbox.postgres("alter role metrics_reader reset log_min_duration_statement")
    with server_log.open("rb") as log:
        log.seek(already)
        statements = re.split(r"^\d{4}-\d\d-\d\d .*? LOG:  duration: .*? statement: ", log.read().decode(), flags=re.M)
    statements = [" ".join(statement.split()) for statement in statements[1:]]
    yield Landed(project, output, statements, last_log(project))
    drop_databases(sandbox, DATABASE)
    sandbox.postgres(f"drop schema {SCHEMA} cascade")


@dataclass
class LandedAgain:
    """A second run, after changes; what each table was made of before and after it."""

    output: str
    before: dict[str, dict[int, tuple]]
    after: dict[str, dict[int, tuple]]

    def anew(self, model: str) -> set[int]:
        before, after = self.before[model], self.after[model]
        return {number for number in before | after if before.get(number) != after.get(number)}


@pytest.fixture(scope="module")
def landed_again(landed: Landed) -> LandedAgain:
    sandbox = landed.sandbox
    for statement in (
        "alter table staging.stg_post drop partition id '2'",
        # As if landed three hours before the cutoff: events may have come since.
        "alter table staging.stg_comment_v2 update _landed_at = toDateTime('2024-08-07 12:00:00', 'UTC')"
        f" where id < 500 {AT_ONCE}",
        "alter table staging.stg_tag add column name String default ''",
        "alter table staging.stg_donation drop column amount",
        "create table staging.sorted engine = MergeTree partition by intDiv(id, 500) order by (userId, id)"
        " settings allow_nullable_key = 1 as select * from staging.stg_bounty",
        "exchange tables staging.sorted and staging.stg_bounty",
        "drop table staging.sorted sync",
    ):
        sandbox.command(statement)
    leave_behind(landed.project, "01234567")
    unfinish_landings(landed.project, of_another_layout=("stg_tag", "stg_donation", "stg_bounty"))
    forget_landing(landed.project, "stg_article")
    sandbox.postgres(
        f"""
        delete from {SCHEMA}."Thread" where id = (select max(id) from {SCHEMA}."Thread");
        insert into {SCHEMA}."Thread" (id) select max(id) + n from {SCHEMA}."Thread", unnest(array[2, 3, 1200]) as n
        group by n;
        update {SCHEMA}."Comment" set "userId" = 77 where id = (select max(id) from {SCHEMA}."Comment");
        delete from {SCHEMA}."CollectionContributor" where "userId" >= 500;
        """
    )
    models = [
        "stg_image_reaction",
        "stg_post",
        "stg_comment_v2",
        "stg_thread",
        "stg_comment",
        "stg_collection_contributor",
        "stg_user_engagement",
        "stg_tag",
        "stg_donation",
        "stg_bounty",
        "stg_user",
        "stg_buzz_tip",
        "stg_article",
    ]
    sliced = [model for model in models if model != "stg_buzz_tip"]
    before = {model: partitions(sandbox, model) for model in sliced}
    output = landed.run(*models)
    return LandedAgain(output, before, {model: partitions(sandbox, model) for model in sliced})


# Landing --------------------------------------------------------------------------------------------------------------


def test_every_staging_table_equals_its_source(landed: Landed) -> None:
    tables = source_tables(landed.sandbox)
    assert_equals_source(landed.sandbox, *tables)


def test_the_columns_described_are_those_that_are_built(landed: Landed) -> None:
    built: dict[str, dict[str, str]] = {}
    for table, name, kind in landed.sandbox.rows(
        f"select table, name, type from system.columns where database = '{DATABASE}' and match(table, '^stg|_events$')"
    ):
        built.setdefault(table, {})[name] = kind
    # What an events model makes is cast to the types of the log when it is published.
    of_events = built.pop("collection_item_events")
    described = {
        node.name: {column.name: column.data_type for column in node.columns.values()}
        for node in landed.project.manifest.nodes.values()
        if node.resource_type == "model" and node.name in [*built, "collection_item_events"]
    }
    assert list(described.pop("collection_item_events")) == list(of_events)
    assert len(built) == len(source_tables(landed.sandbox))
    assert described == built


def test_ids_that_leap_cost_one_statement_for_each_slice_that_has_rows(landed: Landed) -> None:
    slices = source_slices(landed.sandbox, "ImageReaction")
    assert max(slices) > 4_000_000
    copies = [s for s in landed.statements if s.startswith("COPY") and 'FROM "copied"."ImageReaction" WHERE' in s]
    assert len(copies) == len(slices) == slices_landed(landed.output, "stg_image_reaction")
    assert set(partitions(landed.sandbox, "stg_image_reaction")) == slices


def test_keys_below_zero_and_zero_land_exactly_once(landed: Landed) -> None:
    for model, keys in (("stg_user_engagement", KEYS_AT_EDGES), ("stg_tag_engagement", KEYS_AT_LOWER_EDGES)):
        landed_keys = landed.sandbox.rows(f"select userId from {DATABASE}.{model} where userId <= 0 order by 1")
        assert [key for (key,) in landed_keys] == keys
        assert set(partitions(landed.sandbox, model)) == {-3, -2, -1, 0, 2}


def test_an_empty_source_gives_an_empty_table(landed: Landed) -> None:
    for model in ("stg_article_engagement", "stg_bounty_engagement"):
        assert landed.sandbox.value(f"select count() from {DATABASE}.{model}") == 0


def test_no_table_is_read_in_whole(landed: Landed) -> None:
    """What reached PostgreSQL, by its own log: a full copy in place of a slice would still land the right rows."""
    keys = landed.sandbox.postgres(
        f"""
        select class.relname, attribute.attname
        from pg_index
        join pg_class as class on class.oid = indrelid and relnamespace = '{SCHEMA}'::regnamespace
        join pg_attribute as attribute on attribute.attrelid = class.oid and attnum = indkey[0]
        where indisprimary
        """
    )
    copied = set()
    for table, key in keys:
        source = rf'"{SCHEMA}"\."{table}"'
        a_slice = "" if table in UNSLICED else rf' WHERE \("{key}" >= -?\d+\) AND \("{key}" < -?\d+\)'
        counted = "true" if table in UNSLICED else rf'"{key}" >= -?\d+ and "{key}" < -?\d+'
        allowed = {
            "copy": rf"COPY \(SELECT [^()]+ FROM {source}{a_slice}\) TO STDOUT",
            # The hops from slice to slice: each reads one key.
            "hop": rf'from {source} (where "{key}" >= slice\.number[^"]+)?order by "{key}" limit 1',
            "count": rf"from {source} where {counted}(?= union all| *\)| AS)",
        }
        for statement in landed.statements:
            mentions = len(re.findall(source, statement))
            if re.fullmatch(allowed["copy"], statement):
                copied.add(table)
            elif mentions:
                explained = [re.findall(allowed[kind], statement) for kind in ("hop", "count")]
                assert mentions == sum(map(len, explained)), statement
    assert copied == {table for table, _ in keys}


def other_values(sandbox: Sandbox, table: str, column: str, kind: str, value: object) -> list[object]:
    """Values as JSON that a column may have in place of another."""
    if "DateTime64" in kind:
        others: list[object] = ["2023-05-05T01:02:03.004", "2023-05-05T01:02:03.005"]
    elif kind.startswith("Array"):
        others = [[], ["VIEW"], ["VIEW", "ADD"]]
    elif "Bool" in kind:
        others = [True, False]
    elif "Int" in kind:
        others = [987654, 2**31 - 2]
    else:
        type_name = f"""
            select format_type(atttypid, null) from pg_attribute
            where attrelid = '{SCHEMA}."{table}"'::regclass and attname = '{column}'
        """
        (enum,) = sandbox.postgres(type_name)[0]
        others = (
            ["Model", "other", "a"]
            if enum in ("text", "citext")
            else [label for (label,) in sandbox.postgres(f"select unnest(enum_range(null::{enum}))::text")]
        )
    return [other for other in [*others, *([None] if "Nullable" in kind else [])] if other != value]


def test_a_change_of_any_staged_column_is_seen(landed: Landed) -> None:
    """By the query with which reconcile asks for the slices that have changed."""
    sandbox, run = landed.sandbox, landed.sandbox.postgres
    landed.project.dbt("run", "--select", "path:models/staging", "pending_corrections", *FILED, fails=True)
    queries = dict(
        re.findall(
            r"On model\.entity_metrics\.(stg_\w+): /\*[^*]*\*/\s*(select toInt64\(slice\) as slice\n.*?"
            r"where \(source\.rows, source\.checksum\) != \(staged\.rows, staged\.checksum\))",
            last_log(landed.project),
            re.S,
        )
    )
    unseen, looked = [], 0
    for table in sorted(set(source_tables(sandbox)) - UNSLICED - EMPTY):
        source, changed = f'{SCHEMA}."{table}"', queries[staging_model(table)]
        assert sandbox.rows(changed) == [], table
        run(f"create table {SCHEMA}.kept as select * from {source} order by 1, 2 limit 1")
        for (old,) in run(f"select to_jsonb(kept) from {SCHEMA}.kept"):
            for column, kind in columns_of(sandbox, staging_model(table)).items():
                for value in other_values(sandbox, table, column, kind, old[column]):
                    new = f"jsonb_populate_record(null::{source}, $${json.dumps(old | {column: value})}$$)"
                    run(f"delete from {source} as row using {SCHEMA}.kept where to_jsonb(row) = to_jsonb(kept)")
                    # Another row may be just that already.
                    if run(f"insert into {source} select * from {new} on conflict do nothing returning 1"):
                        looked += 1
                        unseen += [] if sandbox.rows(changed) else [(table, column, old[column], value)]
                        run(f"delete from {source} as row where to_jsonb(row) = to_jsonb({new})")
                    run(f"insert into {source} select * from {SCHEMA}.kept")
        run(f"drop table {SCHEMA}.kept")
        assert sandbox.rows(changed) == [], table
    assert unseen == [] and looked > 100

    # Two rows of a slice that swap a value have the same sum of that column.
    first, second = (
        number for (number,) in run(f'select id from {SCHEMA}."ImageReaction" where id / {SLICE_SIZE} = 4 limit 2')
    )
    swap = f"""
        update {SCHEMA}."ImageReaction" as row set "createdAt" = other."createdAt"
        from {SCHEMA}."ImageReaction" as other
        where row.id in ({first}, {second}) and other.id in ({first}, {second}) and row.id <> other.id
    """
    run(swap)
    assert sandbox.rows(queries["stg_image_reaction"]) == [(4,)]
    run(swap)
    assert sandbox.rows(queries["stg_image_reaction"]) == []


def test_a_filter_that_postgres_would_not_see_is_an_error(landed: Landed) -> None:
    a_copy = rf"create table `staging`\.`stg_\w+{SCRATCH}.*?(?=^\S*\d\d:\d\d:\d\d|\Z)"
    copies = re.findall(a_copy, landed.log, re.M | re.S)
    assert len(copies) >= len(list((REPO / "models" / "staging").glob("*.sql")))
    assert all("external_table_strict_query = 1" in copy for copy in copies)
    with pytest.raises(DatabaseError, match="external_table_strict_query"):
        landed.sandbox.rows(
            f"select id from {DATABASE}_postgres.Tag where bitAnd(id, 1) = 1", external_table_strict_query=1
        )


def test_no_connection_to_postgres_is_kept(landed: Landed) -> None:
    """Two dozen tables that kept theirs would use up what PostgreSQL allows, with two databases of models already."""
    wait_until(lambda: connections_of_the_reader(landed.sandbox) == 0)
    table = f"{DATABASE}_postgres.Tag"
    assert landed.sandbox.value(f"select count() from {table} where id >= 0") > 0
    wait_until(lambda: connections_of_the_reader(landed.sandbox) == 0)


def test_nothing_is_left_beside_the_tables(landed: Landed) -> None:
    assert leftovers(landed.project) == []


# Landing again --------------------------------------------------------------------------------------------------------


def test_a_table_that_was_landed_late_enough_for_the_cutoff_is_left_alone(landed: Landed) -> None:
    models = "stg_model", "stg_user_engagement"
    before = {model: partitions(landed.sandbox, model) for model in models}
    output = landed.run(*models)
    assert all(f"{model}: nothing to land" in output for model in models)
    assert {model: partitions(landed.sandbox, model) for model in models} == before
    # Landed at that time, they may lack rows from before this one, if their key does not grow with time anywhere.
    later = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S")
    output = landed.run(*models, cutoff=later, settle_lag=1)
    assert slices_landed(output, "stg_user_engagement") == len(before["stg_user_engagement"])
    assert f"stg_model: 0 slices landed, 0 rows; nothing new in {len(before['stg_model'])} slices" in output


def test_a_table_of_which_nothing_is_known_is_built_anew(landed: Landed, landed_again: LandedAgain) -> None:
    assert landed_again.anew("stg_article") == source_slices(landed.sandbox, "Article")
    assert_equals_source(landed.sandbox, "Article")


def test_of_a_table_that_a_killed_run_left_in_part_only_the_last_slice_is_landed_again(
    landed: Landed, landed_again: LandedAgain
) -> None:
    assert slices_landed(landed_again.output, "stg_image_reaction") == 1
    assert landed_again.anew("stg_image_reaction") == {max(landed_again.before["stg_image_reaction"])}
    assert slices_landed(landed_again.output, "stg_user_engagement") == 1
    assert landed_again.anew("stg_user_engagement") == {2}
    assert slices_landed(landed_again.output, "stg_buzz_tip") == 1
    assert_equals_source(landed.sandbox, "ImageReaction", "UserEngagement", "BuzzTip")


def test_of_a_dropped_partition_only_that_and_the_last_come_back(landed: Landed, landed_again: LandedAgain) -> None:
    assert slices_landed(landed_again.output, "stg_post") == 2
    assert landed_again.anew("stg_post") == {2, 3}
    assert_equals_source(landed.sandbox, "Post")


def test_a_slice_landed_before_the_cutoff_is_landed_again(landed: Landed, landed_again: LandedAgain) -> None:
    assert slices_landed(landed_again.output, "stg_comment_v2") == 2
    assert landed_again.anew("stg_comment_v2") == {0, 3}
    assert_equals_source(landed.sandbox, "CommentV2")


def test_rows_that_come_go_and_change_in_the_last_slice_are_picked_up(
    landed: Landed, landed_again: LandedAgain
) -> None:
    assert slices_landed(landed_again.output, "stg_thread") == 2, "the last one, and one that is new"
    assert landed_again.anew("stg_thread") == {3, 5}
    assert slices_landed(landed_again.output, "stg_comment") == 1
    assert_equals_source(landed.sandbox, "Thread", "Comment")


def test_a_last_slice_without_rows_any_more_goes_from_staging(landed: Landed, landed_again: LandedAgain) -> None:
    assert set(landed_again.after["stg_collection_contributor"]) == {0}
    assert_equals_source(landed.sandbox, "CollectionContributor")


@pytest.mark.parametrize(
    ("table", "change"), [("Tag", "a column more"), ("Donation", "a column less"), ("Bounty", "another sorting key")]
)
def test_a_table_of_another_layout_is_built_anew(
    landed: Landed, landed_again: LandedAgain, table: str, change: str
) -> None:
    model = staging_model(table)
    assert landed_again.anew(model) == source_slices(landed.sandbox, table), change
    assert "name" not in columns_of(landed.sandbox, "stg_tag")
    assert "amount" in columns_of(landed.sandbox, "stg_donation")
    keys = f"select uniqExact(sorting_key) from system.tables where database = '{DATABASE}' and name in"
    assert landed.sandbox.value(f"{keys} ('stg_bounty', 'stg_article')") == 1
    assert_equals_source(landed.sandbox, table)


def test_what_dead_runs_left_is_dropped(landed: Landed, landed_again: LandedAgain) -> None:
    assert slices_landed(landed_again.output, "stg_user") == 1
    assert leftovers(landed.project) == []


def test_another_slice_size_builds_the_table_anew(landed: Landed, landed_again: LandedAgain) -> None:
    output = landed.run("stg_image_reaction", "stg_resource_review", slice_size=900)
    slices = source_slices(landed.sandbox, "ImageReaction", size=900)
    assert slices_landed(output, "stg_image_reaction") == len(slices)
    assert set(partitions(landed.sandbox, "stg_image_reaction")) == slices
    assert_equals_source(landed.sandbox, "ImageReaction", "ResourceReview")
    assert leftovers(landed.project) == []


def test_a_full_refresh_builds_beside_the_old_table_which_stays_if_it_fails(
    landed: Landed, landed_again: LandedAgain
) -> None:
    sandbox = landed.sandbox
    before = {model: partitions(sandbox, model) for model in ("stg_post", "stg_model")}
    sandbox.postgres(
        f"""
        create function {SCHEMA}.fail() returns boolean language plpgsql as $$
        begin
            raise exception 'a page of the table is damaged';
        end
        $$;
        """
    )
    # The last slice cannot be read; those before it can.
    readable = f"case when current_query() like 'COPY%>= 1500%' then {SCHEMA}.fail() else true end"
    with row_policy(sandbox, "Post", visible=readable):
        output = landed.run("stg_post", "stg_model", fails=True, options=("--full-refresh",))
    assert "a page of the table is damaged" in output
    assert partitions(sandbox, "stg_post") == before["stg_post"]
    assert leftovers(landed.project) == []

    after = partitions(sandbox, "stg_model")
    assert slices_landed(output, "stg_model") == len(after)
    assert all(before["stg_model"][number] != after[number] for number in after)
    assert_equals_source(sandbox, "Model")

    assert "stg_post: nothing to land" in landed.run("stg_post")
    assert leftovers(landed.project) == []


def test_a_run_that_slept_does_not_drop_what_another_has_landed(landed: Landed, landed_again: LandedAgain) -> None:
    """To the sleeper the last slice is empty; the rows come while it sleeps, and the other run lands them."""
    sandbox, model = landed.sandbox, "stg_post"
    last = max(source_slices(sandbox, "Post"))
    unfinish_landings(landed.project, f"staging_table = '{model}'")
    # A count that takes its time.
    empty = f"id / {SLICE_SIZE} != {last} or current_query() like '%count(*)%' and (select pg_sleep(3)) is null"
    with ExitStack() as policy:
        policy.enter_context(row_policy(sandbox, "Post", visible=empty))
        with landed.project.asleep_after("counted.slice as slice", "run", "--select", model) as sleeper:
            policy.close()
            assert slices_landed(landed.run(model), model) == 1
    assert sleeper.wait() != 0
    assert re.search("has taken over|UNKNOWN_TABLE", sleeper.output)
    assert last in partitions(sandbox, model)
    assert_equals_source(sandbox, "Post")
    assert leftovers(landed.project) == []


# Counting -------------------------------------------------------------------------------------------------------------


def test_rows_lost_on_the_way_are_found_and_their_slice_is_not_put_in_place(
    landed: Landed, landed_again: LandedAgain
) -> None:
    sandbox = landed.sandbox
    for statement in (
        "alter table staging.stg_image_resource_new drop partition id '3'",
        "alter table staging.stg_model_version drop partition id '1'",
    ):
        sandbox.command(statement)
    before = partitions(sandbox, "stg_image_resource_new")
    # Some rows of one slice are counted, but never arrive.
    arrives = '"imageId" / 500 != 3 or "modelVersionId" % 3 != 0'
    lossy = f"current_query() like '%count(*)%' or {arrives}"
    # Of the versions the first reader misses some, as if they were added just then; whoever comes later sees all.
    is_read_again = f"{SCHEMA}.is_read_again()"
    sandbox.postgres(
        f"""
        create function {is_read_again} returns boolean language plpgsql as $$
        begin
            if exists (select from pg_locks where locktype = 'advisory' and objid = 40713) then
                return true;
            end if;
            perform pg_advisory_lock(40713), pg_sleep(0.5);
            return false;
        end
        $$;
        """
    )
    settling = (
        f"current_query() not like 'COPY (SELECT \"id\"%' or id / 500 != 1 or id % 2 = 0 or (select {is_read_again})"
    )
    with (
        row_policy(sandbox, "ImageResourceNew", lossy),
        row_policy(sandbox, "ModelVersion", settling),
        lock_inherited(sandbox, 40713),
    ):
        output = landed.run("stg_image_resource_new", "stg_model_version", fails=True, options=FILED)
    copied, counted = sandbox.postgres(
        f'select count(*) filter (where {arrives}), count(*) from {SCHEMA}."ImageResourceNew" where "imageId" / 500 = 3'
    )[0]
    assert copied < counted
    assert (
        f"stg_image_resource_new, slice 3 (imageId >= 1500 and imageId < 2000): {copied} rows were copied, but "
        f"PostgreSQL counts {counted} ({copied} and {counted} at the first try)"
    ) in " ".join(output.split())
    assert partitions(sandbox, "stg_image_resource_new") == before

    reread = rf"alter table `staging`\.`stg_model_version{SCRATCH}\w+` drop partition id '1'"
    assert len(re.findall(reread, last_log(landed.project))) == 1
    assert slices_landed(output, "stg_model_version") == 2
    assert_equals_source(sandbox, "ModelVersion")
    assert leftovers(landed.project) == []


# Times ----------------------------------------------------------------------------------------------------------------


@contextmanager
def two_posts_published_at(sandbox: Sandbox, moment: str) -> Iterator[None]:
    posts, kept = f'{SCHEMA}."Post"', f"{SCHEMA}.kept_posts"
    with postgres_change(
        sandbox,
        f"""
        create table {kept} as select id, "publishedAt" from {posts} order by id limit 2;
        update {posts} set "publishedAt" = '{moment}' where id in (select id from {kept});
        """,
        f"""
        update {posts} as posts set "publishedAt" = kept."publishedAt" from {kept} as kept where kept.id = posts.id;
        drop table {kept};
        """,
    ):
        yield


@pytest.mark.parametrize(
    ("moment", "models", "options"),
    [
        ("infinity", ["stg_post"], ("--full-refresh",)),
        ("infinity", ["stg_post", "pending_corrections"], ()),
        ("-infinity", ["stg_post"], ("--full-refresh",)),
        ("10000-01-01", ["stg_post"], ("--full-refresh",)),
        ("294276-12-31 23:59:59", ["stg_post"], ("--full-refresh",)),
    ],
)
def test_times_that_cannot_be_read_are_named_and_not_put_in_place(
    landed: Landed, moment: str, models: list[str], options: tuple[str, ...]
) -> None:
    sandbox = landed.sandbox
    before = partitions(sandbox, "stg_post")
    with two_posts_published_at(sandbox, moment):
        output = landed.run(*models, fails=True, options=options)
    said = "stg_post: Post.publishedAt in 2 rows is infinite or lies after the year 9999, which ClickHouse cannot read."
    assert said in " ".join(output.split())
    assert partitions(sandbox, "stg_post") == before
    assert leftovers(landed.project) == []


@pytest.mark.parametrize("moment", ["1969-12-31 23:59:59.999", "0044-03-15 BC"])
def test_times_before_1970_are_landed_as_they_are_and_reported(landed: Landed, moment: str) -> None:
    anew = ("--full-refresh",)
    with two_posts_published_at(landed.sandbox, moment):
        output = landed.run("stg_post", options=anew)
        if not moment.endswith("BC"):
            assert_equals_source(landed.sandbox, "Post")
    assert "stg_post: Post.publishedAt in 2 rows lies before 1970" in " ".join(output.split())
    assert "lies before 1970" not in landed.run("stg_post", options=anew)
    assert_equals_source(landed.sandbox, "Post")


# The source -----------------------------------------------------------------------------------------------------------


@contextmanager
def another_source(sandbox: Sandbox, change: str) -> Iterator[None]:
    """Puts empty tables with other definitions in the place of the module's source for a while."""
    tables = "".join(
        f'create table {SCHEMA}."{table}" (like public."{table}" including all);' for table in source_tables(sandbox)
    )
    with postgres_change(
        sandbox,
        f"""
        alter schema {SCHEMA} rename to kept;
        create schema {SCHEMA};
        {tables}
        grant usage on schema {SCHEMA} to metrics_reader;
        grant select on all tables in schema {SCHEMA} to metrics_reader;
        {change}
        """,
        f"drop schema {SCHEMA} cascade; alter schema kept rename to {SCHEMA};",
    ):
        yield


def test_all_faults_of_the_source_are_listed_at_once_and_nothing_is_made(landed: Landed) -> None:
    sandbox = landed.sandbox
    before = partitions(sandbox, "stg_collection")
    sandbox.command(f"drop database if exists {DATABASE}_postgres sync")
    faults = f"""
        set search_path = {SCHEMA};
        drop table "Tag";
        alter table "Post" drop column "publishedAt";
        alter table "CollectionItem" drop column "modelVersionId";
        alter table "DonationGoal" drop column "modelVersionId", drop column "entityId";
        alter table "Model" alter column "createdAt" type timestamptz;
        alter table "Comment" alter column id type bigint;
        alter table "Image" alter column "userId" drop not null;
        revoke select on "Thread" from metrics_reader;
        revoke select on "User" from metrics_reader;
        grant select (id, "createdAt") on "User" to metrics_reader;
        alter table "Bounty" enable row level security;
        alter table "Article" enable row level security;
    """
    with another_source(sandbox, faults):
        output = landed.run("stg_collection", "stg_tag", fails=True)
    assert "Nothing was copied" in output
    listed = [line.strip() for line in output.splitlines() if line.strip().startswith("- ")]
    assert listed == [
        "- Row-level security may hide rows from the role metrics_reader, in Article, Bounty: "
        "alter role metrics_reader bypassrls, or alter table … disable row level security",
        "- Comment.id: PostgreSQL has int8, which cannot be read as Int32",
        "- Image.userId: PostgreSQL allows nulls, which would be read as 0: declare it as Nullable(Int32)",
        "- Model.createdAt: PostgreSQL has timestamptz, which cannot be read as DateTime64(6, 'UTC')",
        "- Post.publishedAt: the column is missing, or the role may not read it",
        "- Tag: the table is missing, or the role may not read it",
        "- Thread: the table is missing, or the role may not read it",
        "- User.deletedAt: the column is missing, or the role may not read it",
        "- DonationGoal: it has neither modelVersionId nor entityType and entityId, or the role may not read them",
    ]
    assert sandbox.value(f"select count() from system.databases where name = '{DATABASE}_postgres'") == 0
    assert partitions(sandbox, "stg_collection") == before


def assert_refused_then_landed(landed: Landed, change: str, undo: str, complaint: str, remedy: str) -> None:
    """A run that would read other values or fewer rows changes nothing; after the remedy, all is landed as it is."""
    sandbox = landed.sandbox
    tables = f"select database, name, toString(uuid) from system.tables where startsWith(database, '{DATABASE}')"
    before = sandbox.rows(f"{tables} order by all")
    anew = ("--full-refresh",)
    with postgres_change(sandbox, change, undo):
        output = landed.run("stg_image", fails=True, options=anew)
        listed = [line.strip() for line in output.splitlines() if line.strip().startswith("- ")]
        assert listed == [f"- {complaint}"]
        assert sandbox.rows(f"{tables} order by all") == before
        sandbox.postgres(remedy)
        landed.run("stg_image", options=anew)
    assert_equals_source(sandbox, "Image")


@pytest.mark.parametrize("in_database", ["", " in database community"], ids=["role", "role_in_database"])
@pytest.mark.parametrize(
    ("setting", "value", "shown", "needed"),
    [
        ("DateStyle", "German", "German, DMY", "ISO"),
        ("DateStyle", "SQL, DMY", "SQL, DMY", "ISO"),
        ("DateStyle", "Postgres, MDY", "Postgres, MDY", "ISO"),
        ("client_encoding", "LATIN1", "LATIN1", "UTF8"),
    ],
)
def test_settings_that_change_what_is_read_are_refused(
    landed: Landed, in_database: str, setting: str, value: str, shown: str, needed: str
) -> None:
    role = f"alter role metrics_reader{in_database}"
    remedy = f"{role} set {setting.lower()} = '{needed}'"
    assert_refused_then_landed(
        landed,
        f"{role} set {setting} = {value}",
        f"{role} reset {setting}" if in_database else remedy,
        f"{setting} is '{shown}' for the role metrics_reader; it must be '{needed}': {remedy}",
        remedy,
    )


def test_other_settings_change_nothing_of_what_is_read(landed: Landed) -> None:
    settings = {
        "timezone": "'America/Denver'",
        "intervalstyle": "'iso_8601'",
        "extra_float_digits": "-15",
        "search_path": "'pg_catalog'",
        "bytea_output": "'escape'",
        "standard_conforming_strings": "off",
        "transform_null_equals": "on",
    }
    set_all = "".join(f"alter role metrics_reader set {name} = {value};" for name, value in settings.items())
    reset_all = "".join(f"alter role metrics_reader reset {name};" for name in settings)
    with postgres_change(landed.sandbox, set_all, reset_all):
        landed.run("stg_image", "stg_collection_contributor", options=("--full-refresh",))
    assert_equals_source(landed.sandbox, "Image", "CollectionContributor")


def test_a_table_with_row_level_security_is_refused_unless_the_role_sees_all(landed: Landed) -> None:
    table = f'alter table {SCHEMA}."Image"'
    assert_refused_then_landed(
        landed,
        f"{table} enable row level security",
        f"{table} disable row level security; alter role metrics_reader nobypassrls",
        "Row-level security may hide rows from the role metrics_reader, in Image: "
        "alter role metrics_reader bypassrls, or alter table … disable row level security",
        "alter role metrics_reader bypassrls",
    )


def test_checking_and_creating_work_by_themselves(landed: Landed) -> None:
    sandbox = landed.sandbox
    engine_tables = (
        f"select count() from system.tables where database = '{DATABASE}_postgres' and engine = 'PostgreSQL'"
    )
    sandbox.command(f"drop database if exists {DATABASE}_postgres sync")
    landed.project.dbt("run-operation", "check_postgres_sources")
    assert sandbox.value(engine_tables) == 0
    landed.project.dbt("run-operation", "create_postgres_tables")
    assert sandbox.value(engine_tables) == len(source_tables(sandbox))
    assert (
        sandbox.rows(f"select count(), max(id) from {DATABASE}_postgres.Collection")
        == sandbox.postgres(f'select count(*), max(id) from {SCHEMA}."Collection"')
    )  # fmt: skip

    # The connection stands in the named collection alone.
    shown = sandbox.rows(
        f"select create_table_query, engine_full, comment from system.tables where database = '{DATABASE}_postgres'"
    )
    shown += sandbox.rows(f"show create table {DATABASE}_postgres.Tag")
    for name in ("HOST", "PORT", "USER", "PASSWORD", "DATABASE"):
        assert sandbox.env[f"POSTGRES_{name}"] not in str(shown)


def test_a_collection_that_is_missing_is_named_with_the_way_out(landed: Landed) -> None:
    output = " ".join(landed.run("stg_tag", fails=True, postgres_collection="nowhere").split())
    assert "ClickHouse has no named collection 'nowhere' that user sandbox may see" in output
    assert "scripts/connect_postgres.py" in output
    assert "postgres_collection" in output


def test_without_the_optional_column_only_its_own_metric_is_empty(landed: Landed) -> None:
    sandbox = landed.sandbox
    by_metric = f"""
        select entityType || ' ' || metricType, count(), sum(metricValue), sum(cityHash64(*))
        from {DATABASE}.collection_item_events
        group by 1
        order by 1
    """
    before = {metric: rest for metric, *rest in sandbox.rows(by_metric)}
    assert len(before) == 8
    # As on a deployment that never had the column, with the same rows otherwise.
    sandbox.command(f"drop table {DATABASE}.stg_collection_item sync")
    with postgres_change(
        sandbox,
        f'alter table {SCHEMA}."CollectionItem" rename column "modelVersionId" to "versionId"',
        f'alter table {SCHEMA}."CollectionItem" rename column "versionId" to "modelVersionId"',
    ):
        output = landed.run("stg_collection_item", "collection_item_events")
    assert output.count("CollectionItem.modelVersionId does not exist in PostgreSQL") == 1
    after = {metric: rest for metric, *rest in sandbox.rows(by_metric)}
    assert before.pop("ModelVersion Collection")[0] > 0
    assert after == before


@pytest.mark.parametrize("way", GOALS_BY)
def test_either_way_of_telling_a_goals_version_is_enough_for_its_tips(landed: Landed, way: str) -> None:
    sandbox = landed.sandbox
    of_versions = f"""
        select entityType, metricType, count(), sum(metricValue), sum(cityHash64(*))
        from {DATABASE}.tip_events
        where entityType in ('Model', 'ModelVersion')
        group by all
        order by all
    """
    folder = REPO / "tests" / "golden" / "models" / "parity" / "in_postgres"
    expected = " union all ".join(
        f"(select * from ({(folder / f'expected_{name}.sql').read_text()}) as c where metric_type ~ '^Tip')"
        for name in ("model", "model_version")
    ).replace('"public".', f'"{SCHEMA}".')
    landed.run("stg_donation_goal", "tip_events")
    before, expected_before = sandbox.rows(of_versions), sandbox.postgres(f"{expected} order by 1, 2, 3")
    assert {row[:2] for row in before} >= {("ModelVersion", "TipCount"), ("Model", "TipAmount")}
    assert {row[0] for row in expected_before} == {"Model", "ModelVersion"}
    with goals_by(sandbox, way, SCHEMA):
        output = landed.run("stg_donation_goal", "tip_events", options=("--full-refresh",))
        absent = re.findall(r"DonationGoal\.(\w+) does not exist in PostgreSQL", output)
        assert sorted(absent) == {"pair": ["modelVersionId"], "old column": ["entityId", "entityType"]}[way]
        told = sandbox.rows(
            f"select countIf({absent[0]} is not null), count(modelVersionId) + count(entityId)"
            f" from {DATABASE}.stg_donation_goal"
        )
        assert told[0][0] == 0 < told[0][1]
        assert sandbox.rows(of_versions) == before
        assert sandbox.postgres(f"{expected} order by 1, 2, 3") == expected_before
