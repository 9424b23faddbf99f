"""Windows that move: cutoffs that follow the clock, with rows coming in between, as a cron job sees them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Project, Sandbox, drop_databases, new_project
from event_log_checks import Pair, leftovers, totals
from parity_checks import found
from parsed_project import ParsedProject, wait_until

SCHEMA, DATABASE = "moving", "moving"
SETTLE_LAG = 1
WINDOWS = {"postgres_schema": SCHEMA, "settle_lag": SETTLE_LAG, "slice_size": 500}
# As dbt build does it, but for the unit tests and the legacy counters, which no longer grow.
BUILD = ("build", "--select", "tag:backfill", "--exclude", "test_type:unit", "test_name:legacy_parity")
RECONCILE = ("build", "--select", "tag:reconcile", "--exclude", "test_type:unit")
NOW = "(now() at time zone 'utc')::timestamp(3)"
# What a community does meanwhile: new things, and acts upon new things and old ones, drawn by a hash of the window.
ACTIVITY = """
    set search_path = {schema};
    create temporary view someone as select id from "User" order by md5(id || 'u{number}') limit 12;
    insert into "User" ("createdAt") select {now} from generate_series(1, 3);
    insert into "Image" ("userId", "postId", "createdAt")
    select someone.id, (select max(id) from "Post"), {now} from someone;
    insert into "ImageResourceNew" ("imageId", "modelVersionId")
    select image.id, version.id
    from (select id from "Image" order by id desc limit 12) as image
    cross join (select id from "ModelVersion" order by md5(id || 'v{number}') limit 2) as version;
    insert into "ImageReaction" ("imageId", "userId", reaction, "createdAt", "updatedAt")
    select image.id, someone.id, 'Like', {now}, {now}
    from (
        (select id from "Image" order by id desc limit 5)
        union all
        (select id from "Image" order by md5(id || 'i{number}') limit 10)
    ) as image
    cross join someone
    on conflict do nothing;
    insert into "CollectionItem" ("collectionId", "modelId", "imageId", "addedById", "createdAt", "updatedAt")
    select (select min(id) from "Collection"), model.id, image.id, someone.id, {now}, {now}
    from someone
    cross join (select id from "Model" order by md5(id || 'm{number}') limit 2) as model
    cross join (select max(id) as id from "Image") as image;
    insert into "ResourceReview" (
        "modelId", "modelVersionId", rating, recommended, "userId", exclude, "tosViolation", "createdAt", "updatedAt"
    )
    select "modelId", version.id, 4, true, someone.id, false, false, {now}, {now}
    from someone
    cross join (select id, "modelId" from "ModelVersion" order by md5(id || 'r{number}') limit 2) as version
    on conflict do nothing;
    insert into "UserEngagement" ("userId", "targetUserId", type, "createdAt")
    select someone.id, (select max(id) from "User"), 'Follow', {now} from someone
    on conflict do nothing;
    insert into "BuzzTip" ("entityType", "entityId", "toUserId", "fromUserId", amount, "createdAt", "updatedAt")
    select 'Image', (select max(id) from "Image"), 1, someone.id, 5, {now}, {now} from someone
    on conflict do nothing;
    insert into "Comment" ("modelId", "userId", "tosViolation", "createdAt", "updatedAt")
    select (select max(id) from "Model"), someone.id, false, {now}, {now} from someone;
    drop view someone;
"""


@dataclass
class Community:
    """A copy of the community whose history is published up to a moment ago, in a log without live events."""

    project: ParsedProject
    windows: int = 0

    @property
    def sandbox(self) -> Sandbox:
        return self.project.sandbox

    def acts(self) -> None:
        self.windows += 1
        self.sandbox.postgres(ACTIVITY.format(schema=SCHEMA, now=NOW, number=self.windows))

    def cutoff(self) -> str:
        """This moment, once it has settled."""
        moment = datetime.now(UTC)
        # The moment of a landing is kept in whole seconds.
        time.sleep(SETTLE_LAG + 1.1)
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:23]

    def landed_at(self, table: str) -> dict[int, datetime]:
        """When each slice of a staging table was landed."""
        return dict(
            self.sandbox.rows(
                f"select toInt32(_partition_id), min(_landed_at) from {self.project.database}.{table} group by 1"
            )
        )

    def young_reactions(self) -> int:
        young = f"""select count(*) from {SCHEMA}."ImageReaction" where "createdAt" > {NOW} - interval '1 day'"""
        return self.sandbox.postgres(young)[0][0]

    def parts_of_a_month(self) -> int:
        """The parts of the log's partition that has the most."""
        return self.sandbox.value(
            f"""
            select max(parts)
            from (
                select count() as parts
                from system.parts
                where active and database = '{DATABASE}' and table = 'entityMetricEvents'
                group by partition_id
            )
            """
        )

    def likes(self, image: int) -> int:
        """What the log makes of an image's likes."""
        return self.sandbox.value(
            f"select sum(metricValue) from {self.project.event_log}"
            f" where (entityType, metricType, entityId) = ('Image', 'ReactionLike', {image})"
        )


@pytest.fixture
def community(parsed_once: ParsedProject, sandbox: Sandbox, tmp_path) -> Iterator[Community]:
    tables = [table for (table,) in sandbox.postgres("select tablename from pg_tables where schemaname = 'public'")]
    sandbox.postgres(
        f"create schema {SCHEMA};"
        + "".join(
            f'create table {SCHEMA}."{table}" (like public."{table}" including all);'
            f'insert into {SCHEMA}."{table}" select * from public."{table}";'
            for table in tables
        )
        + f"""
        grant usage on schema {SCHEMA} to metrics_reader;
        grant select on all tables in schema {SCHEMA} to metrics_reader;
        """
    )
    new_project(sandbox, DATABASE, tmp_path)
    sandbox.command(f"truncate table {DATABASE}.entityMetricEvents")
    yield Community(replace(parsed_once, database=DATABASE, target=tmp_path, vars=WINDOWS))
    drop_databases(sandbox, DATABASE)
    sandbox.postgres(f"drop schema {SCHEMA} cascade")


def totals_alone(project: Project) -> dict[Pair, dict[int, int]]:
    """What the events of each entity add up to, by metric."""
    found = totals(project, "true").items()
    return {pair: {entity: value for entity, (_, value) in of.items() if value} for pair, of in found}


def one_backfill(community: Community, cutoff: str, folder: Path, of: Callable[[Project], object]) -> object:
    """What is asked of a log that one run fills, up to a cutoff."""
    whole = replace(community.project, database="at_once", target=folder)
    new_project(whole.sandbox, whole.database, folder)
    try:
        whole.sandbox.command(f"truncate table {whole.event_log}")
        whole.backfill(cutoff=cutoff)
        return of(whole)
    finally:
        drop_databases(whole.sandbox, whole.database)


def test_a_day_in_24_windows_leaves_the_log_of_one_backfill(community: Community, tmp_path_factory) -> None:
    project = community.project
    project.dbt("run", "--select", "tag:backfill", "resource_type:seed", cutoff=community.cutoff())
    first = community.landed_at("stg_image_reaction")
    for window in range(24):
        community.acts()
        cutoff = community.cutoff()
        # The audit has no part in what is written; it is looked at once.
        output = project.dbt(*(BUILD if window == 12 else ("run", "--select", "tag:backfill")), cutoff=cutoff)
        assert re.search(r"published_events: [1-9]\d* events of \d+ metrics published", output)
        landed = re.search(
            r"stg_image_reaction: \d+ slices? landed, (\d+) rows; (\d+) slices? .*; nothing new in (\d+) slices", output
        )
        # What has come in these windows, and one slice whose rows are out of order.
        assert landed and int(landed[1]) <= community.young_reactions() + 500
        assert int(landed[2]) > 0 and int(landed[3]) > 4
    # Each has brought a part for each model that had events; they are merged as others are.
    wait_until(lambda: community.parts_of_a_month() < 24 * 3)
    last = community.landed_at("stg_image_reaction")
    unchanged = [number for number in first if last[number] == first[number]]
    assert len(unchanged) >= len(first) - 3 and len(last) > len(first)
    assert project.fingerprint() == one_backfill(
        community, cutoff, tmp_path_factory.mktemp("at_once"), Project.fingerprint
    )
    assert leftovers(project) == []


def test_what_changes_between_windows_is_reconciled(community: Community, tmp_path_factory) -> None:
    """Without live events. A correction lies in the window after it, and is no part of that."""
    project = community.project
    project.dbt("run", "--select", "tag:backfill", "resource_type:seed", cutoff=community.cutoff())
    for window in range(4):
        community.acts()
        community.sandbox.postgres(
            f"""
            set search_path = {SCHEMA};
            delete from "ImageReaction"
            where id in (select id from "ImageReaction" order by md5(id || 'd{window}') limit 20);
            update "ResourceReview" set rating = 6 - rating, "updatedAt" = {NOW} where id % 50 = {window};
            """
        )
        cutoff = community.cutoff()
        project.dbt(*BUILD, cutoff=cutoff)
        community.acts()
        reconcile = ("run", "--select", "tag:reconcile")
        output = project.dbt(*reconcile, cutoff=cutoff, live_events=False, reconcile_limit=1)
        assert re.search(r"published_corrections: [1-9]\d* events? of \d+ metrics published", output)
        again = project.dbt(*reconcile, cutoff=cutoff, live_events=False)
        assert "published_corrections: nothing to correct" in again
        # An event of nobody at the very moment of the correction is none.
        moment = community.sandbox.value(f"select max(createdAt) from {project.event_log} where userId = 0")
        community.sandbox.postgres(
            f"""
            insert into {SCHEMA}."CollectionItem" ("collectionId", "imageId", "createdAt")
            select min("collectionId"), min("imageId"), '{moment}' from {SCHEMA}."CollectionItem"
            """
        )
    # Once more, as the last reconcile lies behind the last window.
    cutoff = community.cutoff()
    project.dbt(*BUILD, cutoff=cutoff)
    assert "pending_events: 0 events" in project.dbt("run", "--select", "tag:backfill", cutoff=cutoff)
    assert totals_alone(project) == one_backfill(community, cutoff, tmp_path_factory.mktemp("at_once"), totals_alone)
    assert leftovers(project) == []


def test_each_slice_is_compared_within_the_runs_that_its_share_makes(community: Community, tmp_path_factory) -> None:
    project = community.project
    cutoff = community.cutoff()
    project.dbt("run", "--select", "tag:backfill", "resource_type:seed", cutoff=cutoff)
    slices = community.landed_at("stg_image_reaction")
    community.sandbox.postgres(
        f"""
        delete from {SCHEMA}."ImageReaction"
        where id in (select max(id) from {SCHEMA}."ImageReaction" where id / 500 % 2 = 0 group by id / 500)
        """
    )
    began = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    assert oldest_look(project) < began
    share = {"cutoff": cutoff, "live_events": False, "reconcile_limit": 1}
    for _ in range(4):
        before = community.landed_at("stg_image_reaction")
        output = project.dbt("run", "--select", "tag:reconcile", reconcile_share=0.25, **share)
        assert re.search(r"published_corrections: [1-9]\d* events? of \d+ metrics published", output)
        after = community.landed_at("stg_image_reaction")
        # Those of its share that have changed, and the last one.
        assert 0 < sum(after[number] != before[number] for number in slices) <= 0.25 * len(slices) / 2 + 2
    assert oldest_look(project) >= began
    assert "nothing to correct" in project.dbt("run", "--select", "tag:reconcile", **share)
    assert totals_alone(project) == one_backfill(community, cutoff, tmp_path_factory.mktemp("at_once"), totals_alone)


def oldest_look(project: ParsedProject) -> str:
    """When the slice of reactions to images was compared or landed that this was longest ago for."""
    status = project.dbt("run-operation", "backfill_status")
    return re.search(r"stg_image_reaction +landed +\S+ +\S+ +\S+ \S+ +(\S+ \S+)", status)[1]


def test_what_a_later_look_will_find_is_no_fault_of_a_correction(community: Community) -> None:
    """A like goes in a slice that is looked at, one comes back in another: PostgreSQL counts as many as it did."""
    project = community.project
    with_likes = f"""
        select "imageId", min(id), max(id)
        from {SCHEMA}."ImageReaction"
        where reaction = 'Like'
        group by 1
        order by min(id / 500), max(id) desc
        limit 1
    """
    [(image, goes, comes)] = community.sandbox.postgres(with_likes)
    community.sandbox.postgres(
        f"""
        create table {SCHEMA}.held as select * from {SCHEMA}."ImageReaction" where id = {comes};
        delete from {SCHEMA}."ImageReaction" where id = {comes};
        """
    )
    cutoff = community.cutoff()
    project.dbt("run", "--select", "tag:backfill", "resource_type:seed", cutoff=cutoff)
    likes = community.likes(image)
    community.sandbox.postgres(
        f"""
        delete from {SCHEMA}."ImageReaction" where id = {goes};
        insert into {SCHEMA}."ImageReaction" select * from {SCHEMA}.held;
        """
    )
    share = {"cutoff": cutoff, "live_events": False, "reconcile_share": 0.05}
    output = project.dbt(*RECONCILE, fails=True, reconcile_limit=0, **share)
    assert re.search(rf"Image ReactionLike.*{image}", output) and community.likes(image) == likes
    output = project.dbt(*RECONCILE, reconcile_limit=1, **share)
    assert "1 entity of Image differs from what PostgreSQL counts once corrected" in output
    assert community.likes(image) == likes - 1
    project.dbt(*RECONCILE, **{**share, "reconcile_share": 1})
    assert community.likes(image) == likes


def test_rows_to_come_do_not_speak_against_a_correction(community: Community) -> None:
    """Without live events: PostgreSQL counts more than the log already does, and the correction is right."""
    project = community.project
    cutoff = community.cutoff()
    project.dbt("run", "--select", "tag:backfill", "resource_type:seed", cutoff=cutoff)
    image = f'(select min("imageId") from {SCHEMA}."ImageReaction" where reaction = \'Like\')'
    community.sandbox.postgres(
        f"""
        delete from {SCHEMA}."ImageReaction" where id = (
            select min(id) from {SCHEMA}."ImageReaction" where "imageId" = {image} and reaction = 'Like'
        );
        insert into {SCHEMA}."ImageReaction" ("imageId", "userId", reaction, "createdAt", "updatedAt")
        select {image}, -n, 'Like', {NOW}, {NOW} from generate_series(1, 9) as n;
        """
    )
    output = project.dbt(*RECONCILE, cutoff=cutoff, live_events=False)
    assert re.search(r"published_corrections: [1-9]\d* events? of \d+ metrics published", output)
    # With a later cutoff, the log lacks a window.
    output = project.dbt(*RECONCILE, cutoff=community.cutoff(), live_events=False, fails=True)
    assert "cannot be reconciled" in output and "dbt build --select tag:backfill, with the same cutoff" in output
    assert "nothing to correct" in project.dbt(*RECONCILE, cutoff=cutoff, live_events=False)


def test_a_row_that_goes_before_its_window_is_not_published(community: Community) -> None:
    """It was landed with the window before, and nothing has come after it."""
    project = community.project
    cutoff = community.cutoff()
    [(image,)] = community.sandbox.postgres(
        f"""
        insert into {SCHEMA}."ImageReaction" ("imageId", "userId", reaction, "createdAt", "updatedAt")
        select max(id), -1, 'Like', {NOW}, {NOW} from {SCHEMA}."Image"
        returning "imageId"
        """
    )
    project.dbt("run", "--select", "tag:backfill", "resource_type:seed", cutoff=cutoff)
    likes = community.likes(image)
    community.sandbox.postgres(f'delete from {SCHEMA}."ImageReaction" where "userId" = -1')
    project.dbt("run", "--select", "tag:backfill", cutoff=community.cutoff())
    assert community.likes(image) == likes


def test_the_audit_of_a_window_names_rows_that_landing_could_not_see(community: Community) -> None:
    """Such as new rows with old keys: the key does not grow with time then, as the source declares."""
    project = community.project
    project.dbt("run", "--select", "tag:backfill", "resource_type:seed", cutoff=community.cutoff())
    into_the_past = """
        update {schema}."ImageReaction" set "createdAt" = {now}
        where id in (
            select id from {schema}."ImageReaction" where id > 1500 and reaction = 'Like' order by id limit {rows}
        )
    """
    # One row of long ago: a warning, and the window is published.
    community.acts()
    community.sandbox.postgres(into_the_past.format(schema=SCHEMA, now=NOW, rows=1))
    before = project.fingerprint()
    output = project.dbt(*BUILD, cutoff=community.cutoff(), reconcile_limit=0.1)
    assert re.search(r"1 entity of Image differs from what PostgreSQL counts in the window since", output)
    assert project.fingerprint() != before

    # Hundreds: nothing is published, until the table is landed anew.
    community.acts()
    community.sandbox.postgres(into_the_past.format(schema=SCHEMA, now=NOW, rows=300))
    cutoff, before = community.cutoff(), project.fingerprint()
    output = project.dbt(*BUILD, cutoff=cutoff, fails=True)
    assert found(output)["Image ReactionLike"][0] > 0
    assert project.fingerprint() == before
    project.dbt("run", "--select", "stg_image_reaction", "--full-refresh", cutoff=cutoff)
    project.dbt(*BUILD, cutoff=cutoff)
    assert project.fingerprint() != before


def test_a_slice_with_rows_newer_than_later_ones_is_read_whole(community: Community) -> None:
    """Where the key has not grown with time so far, it cannot be counted upon."""
    project = community.project
    newer = (datetime.now(UTC) - timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M:%S")
    community.sandbox.postgres(
        f"""update {SCHEMA}."ImageReaction" set "createdAt" = '{newer}' where id between 2001 and 2010"""
    )
    project.dbt("run", "--select", "tag:backfill", "resource_type:seed", cutoff=community.cutoff())
    first = community.landed_at("stg_image_reaction")
    time.sleep(1.1)
    community.sandbox.postgres(f'delete from {SCHEMA}."ImageReaction" where id = 2002')
    project.dbt("run", "--select", "stg_image_reaction", cutoff=community.cutoff())
    again = community.landed_at("stg_image_reaction")
    landed = {number for number in first if again[number] != first[number]}
    assert 4 in landed and len(landed) < len(first) / 2
    # Nor is any row of it kept.
    assert community.sandbox.value(f"select count() from {DATABASE}.stg_image_reaction where id = 2002") == 0
