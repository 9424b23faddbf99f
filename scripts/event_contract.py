"""docs/event-contract.md: what live tracking has to record, as the events models say.

A section is an events model: its rows, in the SQL of the engine that holds them, and what it gives to metric_events().
"""

import re
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from project import events_models, sources_of
from wording import markdown_table

FINAL_SELECT = "\n\nselect\n"
INTRODUCTION = """\
# Event contract: what live tracking records

From a metric's cutoff on, the application records the events itself: it writes each change of a source table to
`entityMetricEvents` as it happens. The backfill, the audit and reconcile count by the rules below. An event that breaks
them is drift, and reconcile takes it back.

`scripts/generate.py --write` makes this page from [models/events](../models/events). A test plays it: a tracker
that reads nothing but this page follows rows as they are inserted, changed and deleted. The log then equals what
PostgreSQL counts, without a reconcile.

## The rules

- **A row is events.** Each section lists the events of one row. The row has an event as long as the row exists, the
  condition holds, and the entity exists.
- **Insert**: record the row's events with `+metricValue`. **Delete**: record them with `-metricValue`. **Update**:
  record the old row's events with `-metricValue` and the new row's with `+metricValue`. Events that cancel out may be
  left out, and two of one metric may be one: an amount raised from 5 to 7 is an event of 2.
- **createdAt** is the moment of the change, in UTC, with milliseconds. A deletion is dated when the row is deleted, not
  when it was made.
- **userId** is the listed one, even if somebody else changes the row. It is 0 where the cell is null.
- **Joined tables.** A change of a joined row changes the events of every row that joins it. Record what they were with
  `-metricValue` and what they are with `+metricValue`.
- **Cascades.** A row that a cascade deletes is a deleted row.
- **A deleted entity** leaves nothing behind. Record what is left of its events with `-metricValue`: those of tips,
  which no foreign key holds, and those of rows in ClickHouse.
- **Once a user.** Where a section says so, a user counts once for an entity. Record `+1` with the user's first row that
  meets the condition, and `-1` with the last.
- **Nothing else.** An event of metricValue 0 is not recorded, nor is a metric that no section lists.
- **Once.** Record an event once, after its transaction has committed.

One gap is left. The backfill lands a table some time after the cutoff. If a row from before the cutoff changes in
between, the backfill reads it as changed, and the tracker records the change as well. Keep that time short; reconcile
repairs the difference.
"""


@dataclass
class Section:
    """One events model."""

    name: str
    description: str
    engine: str
    rows: str
    # Source tables, each with the columns whose change matters: those that a row is made of, and those it joins.
    of_the_row: dict[str, list[str]]
    joined: dict[str, list[str]]
    # Entity type, metric type, entityId, userId, metricValue, condition, whether once a user, moment.
    events: list[list[str]]


def section(manifest: dict, model: dict, sql: str) -> Section:
    """The section of an events model, from its compiled SQL."""
    sources = sources_of(manifest, model)
    for relation, source in sources.items():
        sql = sql.replace(relation, name_of(source))
    metrics = model["config"]["meta"]["metrics"]
    postgres = all(source["source_name"] == "postgres" for source in sources.values())
    *ctes, rows = sqlglot.parse_one(sql, read="clickhouse").args["with_"].expressions
    query = rows.this
    for cte in ctes:
        query = query.with_(cte.alias, cte.this)
    read = columns_of(query, {name_of(source): source for source in sources.values()})
    driving = driving_tables(query, {cte.alias: cte.this for cte in ctes})
    return Section(
        name=model["name"].removesuffix("_events"),
        description=model["description"].split(" All events that the source implies")[0],
        engine="PostgreSQL" if postgres else "ClickHouse",
        rows=postgres_sql(query, pretty=True)
        if postgres
        else f"{sql.partition(FINAL_SELECT)[0]}\n\nselect * from {rows.alias}",
        of_the_row={table: columns for table, columns in read.items() if table in driving},
        joined={table: columns for table, columns in read.items() if table not in driving},
        events=[event(metric, postgres) for metric in metrics],
    )


def name_of(source: dict) -> str:
    """A source table as the page names it."""
    return source["name"] if source["source_name"] == "postgres" else f"{source['schema']}.{source['name']}"


def columns_of(query: exp.Query, sources: dict[str, dict]) -> dict[str, list[str]]:
    """The source tables that a query reads, with the columns that decide; when a row was made decides nothing."""
    columns: dict[str, set[str]] = {}
    for scope in traverse_scope(query):
        tables = {alias: table_name(table) for alias, table in scope.sources.items() if isinstance(table, exp.Table)}
        for table in tables.values():
            columns.setdefault(table, set())
        # The table that columns without a prefix belong to.
        sole = next(iter(tables.values())) if len(tables) == 1 else None
        for column in scope.columns:
            if column.parent_select is scope.expression and (table := tables.get(column.table, sole)):
                columns[table].add(column.name)
    known = {name: source["columns"] for name, source in sources.items()}
    return {
        table: sorted(
            name for name in names - {"id"} if name in known[table] and "Date" not in known[table][name]["data_type"]
        )
        for table, names in columns.items()
    }


def driving_tables(query: exp.Query, ctes: dict[str, exp.Query]) -> set[str]:
    """The tables of which each row is a row of the query: those in from, and not in join."""
    if isinstance(query, exp.SetOperation):
        return driving_tables(query.left, ctes) | driving_tables(query.right, ctes)
    table = query.args["from_"].this
    return driving_tables(ctes[table.name], ctes) if table.name in ctes else {table_name(table)}


def table_name(table: exp.Table) -> str:
    """A table of a query as the page names it."""
    return f"{table.db}.{table.name}" if table.db else table.name


def event(metric: dict, postgres: bool) -> list[str]:
    """What a model says of a metric, in the SQL of the engine that holds the rows."""
    entity, user, value, condition, moment = (
        postgres_sql(sqlglot.parse_one(metric[name], read="clickhouse"))
        if postgres and metric[name]
        else metric[name] or ""
        for name in ("entity_id", "user_id", "value", "when", "created_at")
    )
    once = "once a user" if metric["once_per_user"] else ""
    return [metric["entity_type"], metric["metric_type"], entity, user, value, condition, once, moment]


def postgres_sql(tree: exp.Expression, pretty: bool = False) -> str:
    """SQL of PostgreSQL, in lower case, with quotes where a name needs them."""

    def translated(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Identifier):
            node.set("quoted", node.name != node.name.lower())
        if isinstance(node, exp.ArrayContains):
            return exp.EQ(this=node.expression, expression=exp.Any(this=exp.Paren(this=node.this)))
        return node

    sql = tree.transform(translated).sql("postgres", pretty=pretty, comments=False)
    parts = re.split(r"""("[^"]*"|'[^']*')""", sql)
    sql = "".join(part if part[:1] in ("'", '"') else part.lower() for part in parts)
    return re.sub(r"not (\S+) is null", r"\1 is not null", sql)


def page(sql: dict[Path, str], manifest: dict) -> str:
    """The whole page, from the compiled SQL of the models and dbt's manifest."""
    found = [section(manifest, model, sql[Path(model["original_file_path"])]) for model in events_models(manifest)]
    found.sort(key=lambda section: (section.engine != "PostgreSQL", section.name))
    return "\n".join([INTRODUCTION, by_table(found), "## The events of a row\n", *map(text_of, found)])


def by_table(found: list[Section]) -> str:
    """What a change of each source table asks for."""
    rows = []
    for section in found:
        link = f"[{section.name}](#{section.name})"
        for tables, whose in ((section.of_the_row, "of the row"), (section.joined, "of each row that joins it")):
            for name, columns in tables.items():
                update = f"`-` old, `+` new: {', '.join(columns)}"
                rows.append([f"`{name}`", "`+`", update, "`-`", f"{link}, {whose}"])
    entities = sorted({f"`{event[0]}`" for section in found for event in section.events})
    rows = [*sorted(rows), [", ".join(entities), "", "", "`-`", "what is left of the entity's own"]]
    return f"## By source table\n\n{markdown_table('table', 'insert', 'update of', 'delete', 'events', rows=rows)}\n"


def text_of(section: Section) -> str:
    """A section of the page."""
    head = ["entityType", "metricType", "entityId", "userId", "metricValue", "condition", "counts", "moment"]
    in_words = ("entityType", "metricType", "counts")
    rows = [
        [f"`{cell}`" if cell and name not in in_words else cell for name, cell in zip(head, event, strict=True)]
        for event in section.events
    ]
    return f"""### {section.name}

{section.description} Rows, in {section.engine}:

```sql
{section.rows}
```

{markdown_table(*head, rows=rows)}
"""
