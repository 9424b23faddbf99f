"""Which hashes there are in Redis, and the SQL that they are made of.

A key is a prefix and an id. A hash has no field whose value is 0, and what has no field has no key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from metrics_cache.resp import EXEC, MULTI, bulk, bulk_expression, command, literal
from sandbox_lib.clickhouse_http import quoted, quoted_name

# The fields of a user's hash: columns of user_metrics.
USER_METRICS = (
    *("followers", "following", "hidden", "reviews", "imageReactions", "models", "modelVersions", "posts", "images"),
    *("downloads", "generations", "thumbsUp", "thumbsDown", "comments", "collections", "tipCount", "tipAmount"),
    *("earned", "engagementScore"),
)
# What a hash is made under before it gets its name. No reader ever sees it: it lives within one transaction.
SCRATCH = "metrics:push"
# A key that is refreshed lives as long as it would have, unless it is given a new time to live.
RENAME_IF_THERE = """
local left = redis.call('PTTL', KEYS[2])
if left == -2 then return end
if left > 0 and redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], left) end
redis.call('RENAME', KEYS[1], KEYS[2])
"""


class Mode(Enum):
    """Which keys a push writes: those that are not there, those that are, or all."""

    POPULATE = "populate"
    REFRESH = "refresh"
    OVERWRITE = "overwrite"


@dataclass(frozen=True)
class Hashes:
    """One kind of hash.

    rows: a query for id, field and value; {condition} stands for a condition on id_column.
    ids: a query for the ids, cheaper than that, with {condition} too; an id may come more than once.
    at_a_time: ids whose hashes one query makes: so many that its start does not count, so few that they need no memory.
    events: a query for the ids in the log, if the application adds events to these hashes while they are pushed; to be
        narrowed by createdAt.
    entity_type: whose events those are.
    """

    name: str
    prefix: str
    rows: str
    id_column: str
    ids: str
    at_a_time: int
    events: str = ""
    entity_type: str = ""

    def key(self, number: int) -> str:
        """The key of an id."""
        return f"{self.prefix}{number}"

    def among(self, numbers: Iterable[int]) -> str:
        """The condition for some ids: one literal, which the server reads ten times as fast as a list of literals."""
        return f"{self.id_column} in '[{', '.join(map(str, numbers))}]'::Array(Int64)"

    def changed_since(self, moment: str, lag: float = 0) -> str:
        """The query for the ids that have had events since a moment, less a lag in seconds."""
        return f"{self.events} and createdAt >= {moment_literal(moment)} - toIntervalMillisecond({round(lag * 1000)})"

    def fields(self, condition: str, zeros: bool = False) -> str:
        """The query for the fields of the ids that a condition on id_column holds for; those of 0 are none."""
        query = f"select id, toString(field) as field, value from ({self.rows.format(condition=condition)})"
        return query if zeros else f"{query} where value != 0"


def entity_hashes(entity_type: str, event_log: str) -> Hashes:
    """The metrics of the entities of a type: entity:metrics:{entityType}:{entityId}."""
    log = ".".join(map(quoted_name, event_log.split(".")))
    of_type = f"entityType = {quoted(entity_type)}"
    return Hashes(
        name=entity_type,
        prefix=f"entity:metrics:{entity_type}:",
        rows="select entityId as id, metricType as field, total as value from entity_metric_totals "
        f"where {of_type} and {{condition}}",
        id_column="entityId",
        ids=f"select entityId as id from entity_metric_terms where {of_type} and {{condition}}",
        at_a_time=100_000,
        events=f"select entityId from {log} where {of_type}",
        entity_type=entity_type,
    )


def user_metrics() -> Hashes:
    """What users' profiles show: user:metrics:{userId}."""
    pairs = ", ".join(f"({quoted(name)}, toDecimal64({quoted_name(name)}, 2))" for name in USER_METRICS)
    return Hashes(
        name="user metrics",
        prefix="user:metrics:",
        rows=f"select userId as id, pair.1 as field, pair.2 as value from user_metrics array join [{pairs}] as pair "
        "where {condition}",
        id_column="userId",
        ids="select userId as id from user_metrics where {condition}",
        # Each query reads whatever users own.
        at_a_time=1_000_000,
    )


def user_reactions() -> Hashes:
    """Which reactions users have given to images: reactions:{userId}, a field for each image."""
    return Hashes(
        name="user reactions",
        prefix="reactions:",
        rows="select userId as id, imageId as field, flags as value from user_image_reactions where {condition}",
        id_column="userId",
        ids="select userId as id from user_image_reactions where {condition}",
        # A user may have reacted to many images.
        at_a_time=20_000,
    )


def moment_literal(text: str) -> str:
    """A moment in UTC as SQL."""
    return f"toDateTime64({quoted(text)}, 3, 'UTC')"


@dataclass(frozen=True)
class Rendering:
    """How hashes become transactions of Redis.

    ttl, jitter: seconds that a key lives at least, and up to how many more; ttl none: for ever.
    script: the digest of RENAME_IF_THERE.
    cluster: a key has to be made on its own node.
    """

    mode: Mode
    ttl: float | None
    jitter: float
    script: str
    cluster: bool

    @property
    def commands(self) -> int:
        """How many commands stand between MULTI and EXEC."""
        return 3 if self.ttl is None else 4

    def query(self, hashes: Hashes, condition: str) -> str:
        """The query that makes one transaction of each id.

        MULTI, HSET scratch field value …, [PEXPIRE scratch ttl], RENAMENX scratch key (or what the mode takes), DEL
        scratch, EXEC. An id that has no field left is made one of as many commands that deletes its key.
        """
        key = f"concat({quoted(hashes.prefix)}, toString(id))"
        scratch = f"concat('{{', {key}, '}}:', {quoted(SCRATCH)})" if self.cluster else quoted(SCRATCH)
        rename = {
            Mode.POPULATE: command("RENAMENX", words=2),
            Mode.OVERWRITE: command("RENAME", words=2),
            Mode.REFRESH: command("EVALSHA", words=4) + bulk(self.script) + bulk("2"),
        }[self.mode]
        expire = "''"
        if self.ttl is not None:
            milliseconds = f"toString({round(self.ttl * 1000)} + rand() % {round(self.jitter * 1000) + 1})"
            expire = f"concat({literal(command('PEXPIRE', words=2))}, scratch, {bulk_expression(milliseconds)})"
        # What is not there yet need not be deleted either.
        having = "having fields > 0" if self.mode is Mode.POPULATE else ""
        return rf"""
with
    {bulk_expression(key)} as key,
    {bulk_expression(scratch)} as scratch,
    countIf(value != 0) as fields
select concat(
    {literal(MULTI)},
    if(
        fields = 0,
        {literal(command("UNLINK", words=2))} || scratch || key,
        concat(
            '*', toString(2 + 2 * fields), '\r\n', {literal(bulk("HSET"))}, scratch,
            arrayStringConcat(groupArrayIf(pair, value != 0))
        )
    ),
    {expire},
    if(fields = 0, {literal(command("EXISTS", words=2))}, {literal(rename)}), scratch, key,
    {literal(command("DEL", words=1))}, scratch,
    {literal(EXEC)}
)
from (
    select
        id,
        value,
        concat({bulk_expression("field")}, {bulk_expression("toString(value)")}) as pair
    from ({hashes.fields(condition, zeros=True)})
    -- A line end would pass for the protocol's own.
    where throwIf(match(field, '[\r\n]'), 'A field has a line end in its name.') = 0
)
group by id
{having}
format RawBLOB
"""
