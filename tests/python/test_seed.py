"""The seed: the same numbers give the same rows, every hard case is there, and the legacy tables are right.

It is run in databases of its own beside the sandbox's, so that no other test sees its tables emptied.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
import pytest
from conftest import REPO, SCALE
from event_log_checks import catalog
from psycopg2.extensions import make_dsn

from sandbox import seed as seeding

SOURCES = REPO / "sandbox"
DATABASE = "seed_check"
CUTOFF = "timestamp '2024-08-07 15:44:39.044'"
JUST_BEFORE = "timestamp '2024-08-07 15:44:39.043'"
CLICKHOUSE_TABLES = ("entityMetricEvents", "modelVersionEvents", "jobs", "buzz_resource_compensation")


@dataclass
class Seeded:
    """Databases seeded with 8, with 7, and with 7 again: what each run left, and how to ask the last."""

    postgres: Callable[[str], list[tuple]]
    clickhouse: Callable[[str], str]
    with_8: dict[str, tuple]
    with_7: dict[str, tuple]
    with_7_again: dict[str, tuple]


@contextmanager
def postgres(dsn: str) -> Iterator[Callable[[str], list[tuple]]]:
    """Runs one query at a time on one connection, outside transactions."""
    connection = psycopg2.connect(dsn)
    connection.autocommit = True

    def ask(query: str) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall() if cursor.description else []

    try:
        yield ask
    finally:
        connection.close()


def fingerprint(ask: Callable[[str], list[tuple]], ask_clickhouse: Callable[[str], str]) -> dict[str, tuple]:
    """Count and order-free hash of the rows, per table."""
    tables = ask("select tablename from pg_tables where schemaname = 'public'")
    counts = " union all ".join(
        f"""select '{table}', count(*), sum(hashtextextended(t::text, 0)) from "{table}" as t""" for (table,) in tables
    )
    result = {table: tuple(rest) for table, *rest in ask(counts)}
    for table in CLICKHOUSE_TABLES:
        result[table] = tuple(ask_clickhouse(f"select count(), sum(sipHash64(*)) from {table}").split())
    return result


@pytest.fixture(scope="module")
def seeded(sandbox) -> Iterator[Seeded]:
    server, client = sandbox.postgres_dsn, sandbox.client
    dsn = make_dsn(server, dbname=DATABASE)
    # The last run sits in another time zone, which must not matter.
    denver = make_dsn(dsn, options="-c timezone=America/Denver")

    def drop() -> None:
        with postgres(server) as ask:
            ask(f"drop database if exists {DATABASE} with (force)")
        client.command(f"drop database if exists {DATABASE} sync")

    def ask_clickhouse(query: str) -> str:
        return client.raw_query(query, settings={"database": DATABASE}).decode().strip()

    drop()
    try:
        with postgres(server) as ask:
            ask(f"create database {DATABASE}")
        client.command(f"create database {DATABASE}")
        source = re.sub(r"^--.*\n", "", (SOURCES / "clickhouse_source.sql").read_text(), flags=re.MULTILINE)
        for statement in re.sub(r"\b(default|orchestration)\.", "", source).split(";"):
            if statement.strip():
                ask_clickhouse(statement)
        with postgres(dsn) as ask:
            ask((SOURCES / "postgres_source.sql").read_text())
            runs = []
            for random_seed, login in ((8, dsn), (7, dsn), (7, denver)):
                seeding.seed(SCALE, random_seed, login, client, print, application=DATABASE, orchestration=DATABASE)
                runs.append(fingerprint(ask, ask_clickhouse))
            yield Seeded(ask, ask_clickhouse, *runs)
    finally:
        drop()


def test_the_same_seed_gives_the_same_rows(seeded):
    assert seeded.with_7 == seeded.with_7_again


def test_another_seed_gives_other_rows(seeded):
    same = {table for table, rows in seeded.with_7.items() if seeded.with_8[table] == rows}
    assert same == set()


# Every hard case, and what to find it by: the text after `select from` for rows that must be there --------------------


def gone(owner: str, column: str) -> str:
    return f'"{column}" is not null and not exists (select from "{owner}" as owner where owner.id = "{column}")'


DATED = [
    "Image",
    "BountyEntry",
    "ImageReaction",
    "ArticleReaction",
    "BountyEntryReaction",
    "ResourceReview",
    "Comment",
    "CommentV2",
    "CollectionItem",
    "CollectionContributor",
    "BuzzTip",
    "Donation",
    "UserEngagement",
    "TagEngagement",
    "ArticleEngagement",
    "BountyEngagement",
    "BountyBenefactor",
]
TIPPED = ["Image", "Model", "ModelVersion", "Post", "Article", "BountyEntry", "bountyEntry"]
GOALS = {
    "for no version": '"modelVersionId" is null and "entityType" is null',
    "by the old column": '"modelVersionId" is not null and "entityType" is null',
    "by the pair": """"modelVersionId" is null and "entityType" = 'ModelVersion'""",
    "by both": """"modelVersionId" = "entityId" and "entityType" = 'ModelVersion'""",
    "whose version is gone": f"""{gone("ModelVersion", "entityId")} and g."modelVersionId" is null""",
    "by both, which differ": """"modelVersionId" <> "entityId" and "entityType" = 'ModelVersion'""",
    "of another kind": """"modelVersionId" is null and "entityType" = 'Article'""",
    "of another kind, with a version": """"modelVersionId" is not null and "entityType" = 'Article'""",
}

POSTGRES_CASES = {
    **{f"{table} at the cutoff": f'"{table}" where "createdAt" = {CUTOFF}' for table in DATED},
    **{f"{table} a millisecond before": f'"{table}" where "createdAt" = {JUST_BEFORE}' for table in DATED},
    **{
        f"BuzzTip to a {kind} that is gone": (
            f""""BuzzTip" where "entityType" = '{kind}' and {gone(kind[0].upper() + kind[1:], "entityId")}"""
        )
        for kind in TIPPED
    },
    # ids
    "Image ids leap to two billion": '"Image" where id >= 2000000000 having count(*) = 60',
    "ImageReaction ids leap to two billion": '"ImageReaction" where id >= 2000000000 having count(*) = 400',
    "ImageReaction lacks millions of ids in a row": (
        '(select id, lag(id) over (order by id) as last from "ImageReaction") as r'
        " where id - last between 5000000 and 6000000"
    ),
    "ImageReaction withdrawn here and there": (
        '(select id, lag(id) over (order by id) as last from "ImageReaction") as r where id - last = 2 and id < 1000000'
    ),
    "ImageReaction with a low id on a far image": '"ImageReaction" where id < 1000 and "imageId" = 2000000000',
    "ImageResourceNew of far images": '"ImageResourceNew" where "imageId" >= 2000000000',
    "BuzzTip, CollectionItem and Thread of a far image": (
        '"BuzzTip" inner join "CollectionItem" on "entityId" = "imageId" inner join "Thread" using ("imageId")'
        ' where "imageId" = 2000000000'
    ),
    # entities
    **{
        f"{table} of a user who is soft-deleted": (
            f'"{table}" as t inner join "User" as u on "userId" = u.id where t.id < 1000 and u."deletedAt" is not null'
        )
        for table in ("Image", "Model", "Post", "Article")
    },
    "User soft-deleted": '"User" where "deletedAt" is not null',
    "Model soft-deleted": """"Model" where "deletedAt" is not null and status = 'Deleted'""",
    "Image without a post": '"Image" where "postId" is null',
    "Article without createdAt": '"Article" where "createdAt" is null',
    "Bounty without an owner": '"Bounty" where "userId" is null',
    "BountyEntry without a user": '"BountyEntry" where "userId" is null',
    "Thread of a model": '"CommentV2" as c inner join "Thread" as t on c."threadId" = t.id where "modelId" = 1',
    "Thread of a review": '"CommentV2" as c inner join "Thread" as t on c."threadId" = t.id where "reviewId" = 1',
    "Thread of what is gone": (
        '"CommentV2" as c inner join "Thread" as t on c."threadId" = t.id where num_nonnulls("rootThreadId", "postId",'
        ' "imageId", "articleId", "bountyId", "modelId", "commentId", "reviewId") = 0'
    ),
    "Thread of a comment, below a post's": (
        '"CommentV2" as c inner join "Thread" as t on c."threadId" = t.id where "rootThreadId" = 1 and "commentId" = 1'
        ' and "parentThreadId" = 1 and num_nonnulls("postId", "imageId", "articleId", "bountyId", "modelId") = 0'
    ),
    "Thread of a comment, two below": '"Thread" where "rootThreadId" = 1 and "parentThreadId" = 7',
    **{
        f"DonationGoal {case}": f'"Donation" inner join "DonationGoal" as g on "donationGoalId" = g.id where {rows}'
        for case, rows in GOALS.items()
    },
    # reactions
    "ImageReaction twice by one user": '"ImageReaction" group by "imageId", "userId" having count(*) > 1',
    "ImageReaction on an image without a post": (
        '"ImageReaction" as r inner join "Image" as i on r."imageId" = i.id where "postId" is null'
    ),
    "ImageReaction on an image of a user who is soft-deleted": (
        '"ImageReaction" as r inner join "Image" as i on r."imageId" = i.id inner join "User" as u on i."userId" = u.id'
        ' where i.id = 3 and "deletedAt" is not null'
    ),
    "ImageReaction to one's own": (
        '"ImageReaction" as r inner join "Image" as i on r."imageId" = i.id where r."userId" = i."userId"'
    ),
    "ImageReaction in an hour that Denver lacks": """"ImageReaction" where "createdAt" = '2024-03-10 02:30:00.123'""",
    "ImageReaction in an hour that Denver has twice": (
        """"ImageReaction" where "createdAt" = '2023-11-05 01:30:00.456'"""
    ),
    "ImageReaction in the last millisecond of a month": (
        """"ImageReaction" where "createdAt" = '2024-02-29 23:59:59.999'"""
    ),
    # reviews and comments
    "ResourceReview recommends two versions": (
        '"ResourceReview" where "modelId" = 1 and "userId" = 5 and recommended'
        ' having count(distinct "modelVersionId") = 2'
    ),
    "ResourceReview recommends one version and not the other": (
        '"ResourceReview" where "modelId" = 1 and "userId" = 6'
        " having bool_or(recommended) and not bool_and(recommended)"
    ),
    "ResourceReview recommends neither": (
        '"ResourceReview" where "modelId" = 1 and "userId" = 18 having count(*) = 2 and not bool_or(recommended)'
    ),
    "ResourceReview first before the cutoff, again after": (
        f'"ResourceReview" where "modelId" = 1 and "userId" = 7 having min("createdAt") < {CUTOFF}'
        f' and max("createdAt") > {CUTOFF}'
    ),
    "ResourceReview whose later id is the earlier": (
        '"ResourceReview" as a inner join "ResourceReview" as b using ("modelId", "userId")'
        ' where "userId" = 19 and a.id < b.id and a."createdAt" > b."createdAt"'
    ),
    "ResourceReview first excluded, then not": (
        '"ResourceReview" as a inner join "ResourceReview" as b using ("modelId", "userId")'
        ' where "userId" = 14 and a.exclude and not b.exclude and a."createdAt" < b."createdAt"'
    ),
    "ResourceReview excluded": '"ResourceReview" where exclude and not "tosViolation"',
    "ResourceReview against the terms": '"ResourceReview" where "tosViolation" and not exclude',
    "ResourceReview both": '"ResourceReview" where "tosViolation" and exclude',
    "ResourceReview rated 0": '"ResourceReview" where rating = 0',
    "ResourceReview rated 3": '"ResourceReview" where rating = 3',
    "ResourceReview of an unpublished version": (
        '"ResourceReview" as r inner join "ModelVersion" as v on "modelVersionId" = v.id'
        " where v.status not in ('Published', 'Draft')"
    ),
    "ResourceReview of a draft": (
        """"ResourceReview" as r inner join "ModelVersion" as v on "modelVersionId" = v.id where v.status = 'Draft'"""
    ),
    "ResourceReview of a version that has moved to another model": (
        '"ResourceReview" as r inner join "ModelVersion" as v on "modelVersionId" = v.id'
        ' where r."modelId" <> v."modelId"'
    ),
    "Comment again after the cutoff": (
        f'"Comment" where "modelId" = 1 and "userId" = 2 having min("createdAt") < {CUTOFF}'
        f' and max("createdAt") > {CUTOFF}'
    ),
    "Comment against the terms": '"Comment" where "tosViolation"',
    "Comment against the terms, then not": (
        '"Comment" where "modelId" = 1 and "userId" = 5 having bool_or("tosViolation") and not bool_and("tosViolation")'
    ),
    "Comment as a reply": '"Comment" where "parentId" = 1',
    "CommentV2 against the terms": '"CommentV2" where "tosViolation" and "threadId" = 1',
    # collections
    "CollectionItem of one model and user three times": (
        '"CollectionItem" where "modelId" = 1 and "addedById" = 4'
        ' having count(distinct "collectionId") = 3 and count(*) = 4'
    ),
    "CollectionItem without createdAt": '"CollectionItem" where "createdAt" is null and "updatedAt" is not null',
    "CollectionItem without both": '"CollectionItem" where "createdAt" is null and "updatedAt" is null',
    "CollectionItem without createdAt, updated after the cutoff": (
        f'"CollectionItem" where "createdAt" is null and "updatedAt" > {CUTOFF}'
    ),
    "CollectionItem whose earliest lacks createdAt": (
        '"CollectionItem" as a inner join "CollectionItem" as b using ("modelId", "addedById")'
        ' where a."createdAt" is null and a."updatedAt" < b."createdAt"'
    ),
    "CollectionItem before the cutoff and after": (
        f'"CollectionItem" where "modelId" = 2 and "addedById" = 10 having min("createdAt") < {CUTOFF}'
        f' and max("createdAt") > {CUTOFF}'
    ),
    **{
        f"CollectionItem of a {kind} added by nobody": f'"CollectionItem" where "{kind}Id" is not null'
        ' and "addedById" is null'
        for kind in ("model", "post", "image", "article", "modelVersion")
    },
    "CollectionItem of a model and its version": '"CollectionItem" where "modelId" = 1 and "modelVersionId" = 1',
    "CollectionItem of nothing": (
        '"CollectionItem" where num_nonnulls("modelId", "postId", "imageId", "articleId", "modelVersionId") = 0'
    ),
    "CollectionContributor, null": '"CollectionContributor" where permissions is null',
    "CollectionContributor, empty": """"CollectionContributor" where permissions = '{}'""",
    "CollectionContributor, VIEW": """"CollectionContributor" where permissions = '{VIEW}'""",
    "CollectionContributor, ADD": """"CollectionContributor" where permissions = '{ADD}'""",
    "CollectionContributor, both": """"CollectionContributor" where permissions = '{VIEW,ADD}'""",
    "CollectionContributor, neither": """"CollectionContributor" where permissions = '{ADD_REVIEW,MANAGE}'""",
    "CollectionContributor, VIEW twice": """"CollectionContributor" where permissions = '{VIEW,VIEW}'""",
    "CollectionContributor without createdAt": (
        '"CollectionContributor" where "createdAt" is null and "updatedAt" is not null'
    ),
    "CollectionContributor without both": '"CollectionContributor" where "createdAt" is null and "updatedAt" is null',
    # images' resources
    "ImageResourceNew of two versions of a model": (
        '"ImageResourceNew" as a inner join "ImageResourceNew" as b using ("imageId")'
        ' where "imageId" = 1 and a."modelVersionId" = 1 and b."modelVersionId" = 2'
    ),
    "ImageResourceNew of images at the cutoff and before": (
        '"ImageResourceNew" inner join "Image" as i on "imageId" = i.id'
        f' having bool_or("createdAt" = {CUTOFF}) and bool_or("createdAt" = {JUST_BEFORE})'
    ),
    # tips and donations
    "BuzzTip in both spellings by one giver": (
        '"BuzzTip" as a inner join "BuzzTip" as b using ("entityId", "fromUserId")'
        """ where a."entityType" = 'BountyEntry' and b."entityType" = 'bountyEntry'"""
    ),
    "BuzzTip in the lower-case spelling alone": """"BuzzTip" where "entityType" = 'bountyEntry' and "entityId" = 2""",
    "BuzzTip by a user who is gone, to another": (
        f'"BuzzTip" where {gone("User", "toUserId")} and {gone("User", "fromUserId")}'
    ),
    "BuzzTip of an unknown kind": """"BuzzTip" where "entityType" = 'Challenge'""",
    "BuzzTip of nothing": '"BuzzTip" where amount = 0',
    "BuzzTip raised after the cutoff": f'"BuzzTip" where "createdAt" < {CUTOFF} and "updatedAt" > {CUTOFF}',
    "Donation of nothing": '"Donation" where amount = 0',
    "Donation of the same sum again": (
        '"Donation" where "donationGoalId" = 1 and "userId" = 2 group by amount having count(*) = 2'
    ),
    # engagements and benefactors
    "UserEngagement, Block": """"UserEngagement" where type = 'Block'""",
    "UserEngagement with oneself": '"UserEngagement" where "userId" = "targetUserId"',
    "TagEngagement, Allow": """"TagEngagement" where type = 'Allow'""",
    "BountyEngagement, both": '"BountyEngagement" group by "bountyId", "userId" having count(*) = 2',
    "BountyBenefactor awarded, undated": '"BountyBenefactor" where "awardedToId" is not null and "awardedAt" is null',
    "BountyBenefactor not awarded": '"BountyBenefactor" where "awardedToId" is null',
    "BountyBenefactor awarded to an entry that is gone": (
        '"BountyBenefactor" where "awardedToId" is null and "awardedAt" is not null'
    ),
    "BountyBenefactor before the cutoff, awarded at it": (
        f'"BountyBenefactor" where "createdAt" < {CUTOFF} and "awardedAt" = {CUTOFF}'
    ),
    "BountyBenefactor before the cutoff, awarded a millisecond before": (
        f'"BountyBenefactor" where "createdAt" < {CUTOFF} and "awardedAt" = {JUST_BEFORE}'
    ),
    "BountyBenefactor undated, updated after the cutoff": (
        f'"BountyBenefactor" where "awardedToId" is not null and "awardedAt" is null and "updatedAt" > {CUTOFF}'
    ),
}


@pytest.mark.parametrize("case", POSTGRES_CASES)
def test_hard_case_in_postgres(seeded, case):
    assert seeded.postgres(f"select exists (select from {POSTGRES_CASES[case]})") == [(True,)]


UTC_CUTOFF = "toDateTime64('2024-08-07 15:44:39.044', 3, 'UTC')"
CLICKHOUSE_CASES = {
    "download of no user": "modelVersionEvents where type = 'Download' and userId = -1",
    "download of an anonymous user": "modelVersionEvents where type = 'Download' and userId = 0",
    "download of version 0": "modelVersionEvents where type = 'Download' and modelVersionId = 0 and modelId != 0",
    "download of model 0": "modelVersionEvents where type = 'Download' and modelId = 0 and modelVersionId != 0",
    "download of nothing": "modelVersionEvents where modelId = 0 and modelVersionId = 0",
    "download of a version that is gone": "modelVersionEvents where modelVersionId = 8 and modelId = 1",
    "download of a model that is gone": "modelVersionEvents where modelId = 8 and modelVersionId = 1",
    "download under another model": "modelVersionEvents where modelId = 2 and modelVersionId = 1",
    "every type": "modelVersionEvents having uniqExact(type) = 5",
    "download in the second of the cutoff, and in the next": (
        "modelVersionEvents having countIf(toUnixTimestamp(time) = 1723045479) > 0"
        " and countIf(toUnixTimestamp(time) = 1723045480) > 0"
    ),
    "download in an hour that Denver lacks": "modelVersionEvents where time = toDateTime('2024-03-10 02:30:00', 'UTC')",
    "job without resources": "jobs where empty(resourcesUsed)",
    "job with repeated resources": "jobs where length(arrayDistinct(resourcesUsed)) < length(resourcesUsed)",
    "job with two versions of a model": "jobs where hasAll(resourcesUsed, [1, 2])",
    "job with a version that is gone": "jobs where resourcesUsed = [8]",
    "job with ids that are none": "jobs where hasAll(resourcesUsed, [0, -1])",
    "job of another type": "jobs where jobType = 'ImageTraining' and has(resourcesUsed, 1)",
    "job of user 0": "jobs where userId = 0",
    "job at the cutoff": f"jobs where createdAt = {UTC_CUTOFF}",
    "job a millisecond before": f"jobs where createdAt = {UTC_CUTOFF} - toIntervalMillisecond(1)",
    "one day in UTC, two in Denver": (
        "jobs where userId = 14 having uniqExact(toDate(createdAt, 'UTC')) = 1"
        " and uniqExact(toDate(createdAt, 'America/Denver')) = 2"
    ),
    "most generated: the excluded versions": (
        "(select arrayJoin(resourcesUsed) as id from jobs group by id order by count() desc, id limit 20)"
        " having hasAll(groupArray(id), [901, 902, 903])"
    ),
    "restated": (
        "(select date, modelVersionId from buzz_resource_compensation group by all having uniqExact(total) > 1)"
        " having count() > 10"
    ),
    **{
        f"restated {how}": (
            "buzz_resource_compensation final where modelVersionId = 1"
            f" and date = toDateTime('{day} 00:00:00', 'UTC') and total = {total}"
        )
        for how, day, total in (
            ("upwards", "2023-04-02", 700),
            ("to 0", "2023-04-03", 0),
            ("from 0", "2023-04-05", 90),
            ("by a row that came later and is older", "2023-04-06", 300),
        )
    },
    "nothing earned": "buzz_resource_compensation final where total = 0 and modelVersionId > 1000",
    "earned by a version that is gone": "buzz_resource_compensation where modelVersionId = 8",
}


@pytest.mark.parametrize("case", CLICKHOUSE_CASES)
def test_hard_case_in_clickhouse(seeded, case):
    assert seeded.clickhouse(f"select count() > 0 from (select count() from {CLICKHOUSE_CASES[case]} limit 1)") == "1"


def test_sequences_go_on(seeded):
    """Also where ids have leapt to two billion, close to where an int ends."""
    sequences = seeded.postgres("select c.oid::regclass::text from pg_class as c where relkind = 'S'")
    assert sequences
    for (sequence,) in sequences:
        table = sequence.strip('"').removesuffix("_id_seq")
        room = f"""select nextval('{sequence}') > max(id) and max(id) < 2147483647 - 10000 from "{table}" """
        assert seeded.postgres(room) == [(True,)], sequence


# Foreign keys ---------------------------------------------------------------------------------------------------------


def test_a_key_guards_every_id_but_those_of_tips_and_goals(seeded):
    unguarded = seeded.postgres(
        """
        select attrelid::regclass || '.' || attname
        from pg_attribute
        where attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r')
            and attname like '%Id'
            and not exists (
                select from pg_constraint
                where contype = 'f' and convalidated and conrelid = attrelid and conkey = array[attnum]
            )
        """
    )
    tips = {f'"BuzzTip".{column}' for column in ("entityId", "toUserId", "fromUserId")}
    assert {column for (column,) in unguarded} == tips | {'"DonationGoal".entityId'}


@pytest.fixture
def undone(seeded) -> Iterator[Seeded]:
    """For what must not last: rolled back at the end."""
    seeded.postgres("begin")
    yield seeded
    seeded.postgres("rollback")


def test_deletions_cascade(undone):
    """A post, and a user without models: what they own goes, what may do without them stays."""
    left = """
        select
            (select count(*) from "ImageReaction" where "userId" = 2),
            (select count(*) from "BuzzTip" where "fromUserId" = 2) > 0,
            (select count(*) from "BountyEntry" where id in (1, 6) and "userId" is null),
            (select count(*) from "Image" where id = 1 and "postId" is null),
            (select count(*) from "Thread" where id = 1 and "postId" is null),
            (select count(*) from "PostMetric" where "postId" = 1)
    """
    assert undone.postgres(left)[0] != (0, True, 2, 1, 1, 0)
    undone.postgres('delete from "User" where id = 2')
    undone.postgres('delete from "Post" where id = 1')
    assert undone.postgres(left) == [(0, True, 2, 1, 1, 0)]


@pytest.mark.parametrize(
    "statement, error",
    [
        ('delete from "User" where id = 1', psycopg2.errors.RestrictViolation),
        ('insert into "Donation" ("userId", "donationGoalId", amount, "createdAt") values (2, 8, 1, now())',
         psycopg2.errors.ForeignKeyViolation),
        ('insert into "ArticleEngagement" select "userId", "articleId", \'Favorite\', now() from "ArticleEngagement"',
         psycopg2.errors.UniqueViolation),
        ('insert into "DonationGoal" ("userId", "entityType", "entityId") values (2, \'ModelVersion\', 8)',
         psycopg2.errors.UniqueViolation),
    ],
)  # fmt: skip
def test_what_the_real_site_refuses(undone, statement, error):
    with pytest.raises(error):
        undone.postgres(statement)


# The event log, and the legacy tables ---------------------------------------------------------------------------------


def test_live_events_begin_at_the_cutoff(seeded):
    events, early, at, withdrawn, pairs = map(
        int,
        seeded.clickhouse(
            f"""
            select count(), countIf(createdAt < {UTC_CUTOFF}), countIf(createdAt = {UTC_CUTOFF}),
                countIf(metricValue = -1 and metricType like 'Reaction%'), uniqExact(entityType, metricType)
            from entityMetricEvents
            """
        ).split(),
    )
    assert early == 0
    assert events > 1000
    assert at > 20
    assert withdrawn > 5
    assert pairs >= 65


def test_every_legacy_column_counts_something(seeded):
    columns = {row["legacy_column"] for row in catalog() if row["legacy_column"]}
    for table, column in (column.split(".") for column in columns):
        query = f"""select sum("{column}") > 0 from "{table}" where timeframe = 'AllTime'"""
        assert seeded.postgres(query) == [(True,)], column


# Pairs without a legacy column: rows before the cutoff that become events of it.
WITHOUT_LEGACY = {
    ("Model", "Rating"): '"ResourceReview" where "modelId" = 1 and rating > 0 and not exclude',
    ("Model", "RatingCount"): '"ResourceReview" where "modelId" = 1 and not exclude',
    ("ModelVersion", "Rating"): '"ResourceReview" where "modelVersionId" = 4 and rating > 0 and not exclude',
    ("ModelVersion", "RatingCount"): '"ResourceReview" where "modelVersionId" = 4 and not exclude',
    ("Model", "Favorite"): '"CollectionItem" where "modelId" = 1 and "addedById" = 4',
    ("ModelVersion", "Collection"): '"CollectionItem" where "modelVersionId" = 1 and "addedById" = 2',
    ("Article", "Favorite"): '"CollectionItem" where "articleId" = 1',
    ("Model", "Image"): '"ImageResourceNew", "Image" where "modelVersionId" = 1 and "imageId" = 1 and id = 1',
    ("ModelVersion", "Image"): '"ImageResourceNew", "Image" where "modelVersionId" = 1 and "imageId" = 1 and id = 1',
    ("Post", "TipCount"): """"BuzzTip" where "entityType" = 'Post' and "entityId" = 1""",
    ("Post", "TipAmount"): """"BuzzTip" where "entityType" = 'Post' and "entityId" = 1 and amount > 0""",
}


def test_every_other_pair_has_rows(seeded):
    assert WITHOUT_LEGACY.keys() == {
        (row["entity_type"], row["metric_type"]) for row in catalog() if not row["legacy_column"]
    }
    for pair, rows in WITHOUT_LEGACY.items():
        assert seeded.postgres(f'select exists (select from {rows} and "createdAt" < {CUTOFF})') == [(True,)], pair


# What a person counts in 30_hard_cases.sql (and in ClickHouse's 20_hard_cases.sql), by table, column and id.
BY_HAND = {
    ("UserMetric", "followerCount", 1): 2,
    ("UserMetric", "hiddenCount", 1): 1,
    ("ModelMetric", "thumbsUpCount", 1): 6,
    ("ModelMetric", "thumbsDownCount", 1): 2,
    ("ModelMetric", "commentCount", 1): 3,
    ("ModelMetric", "collectedCount", 1): 4,
    # tips of 0, 13 and 102, donations of 0, 70 and 102
    ("ModelMetric", "tippedCount", 1): 6,
    ("ModelMetric", "tippedAmountCount", 1): 287,
    # tips without donations, donations without tips: nothing was counted, and no row written
    ("ModelMetric", "tippedAmountCount", 6): None,
    ("ModelMetric", "tippedAmountCount", 7): None,
    ("ModelVersionMetric", "tippedAmountCount", 1): 102 + 0 + 102 + 70 + 103 + 30,
    ("ModelVersionMetric", "downloadCount", 1): 7,
    ("ModelVersionMetric", "generationCount", 1): 12,
    ("ModelVersionMetric", "earnedAmount", 1): 500 + 700 + 0 + 0 + 90 + 300 + 10,
    ("BountyEntryMetric", "unitAmountCount", 1): 500 + 110,
    ("BountyEntryMetric", "unitAmountCount", 2): 600,
    ("BountyEntryMetric", "tippedCount", 1): 2,
    ("CollectionMetric", "followerCount", 1): 6,
    ("CollectionMetric", "contributorCount", 1): 3,
    ("TagMetric", "followerCount", 1): 2,
    ("TagMetric", "hiddenCount", 2): 1,
}


@pytest.mark.parametrize("table, column, entity", BY_HAND)
def test_legacy_count_by_hand(seeded, table, column, entity):
    key = table[0].lower() + table[1:].replace("Metric", "Id")
    rows = seeded.postgres(f"""select "{column}" from "{table}" where "{key}" = {entity} and timeframe = 'AllTime'""")
    expected = BY_HAND[table, column, entity]
    assert rows == ([] if expected is None else [(expected,)])


def test_other_timeframes_are_noise(seeded):
    days = "select count(*) from \"{0}\" where timeframe = 'Day'"
    assert all(seeded.postgres(days.format(table))[0][0] for table in ("UserMetric", "ModelMetric", "ImageMetric"))
