"""User metrics on real servers: what PostgreSQL counts of each user, and the engagement that the log holds."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from parsed_project import ParsedProject

COUNTED, WEIGHED = "user_metrics_are_what_postgres_counts", "engagement_scores_are_what_the_log_says"


def repair_followers(project: ParsedProject) -> None:
    """Takes back the planted drift, as reconcile does. That of images is in no number of their users."""
    counted = dict(
        project.sandbox.postgres("""
            select "targetUserId", count(*) from "UserEngagement" where type = 'Follow' group by "targetUserId"
        """)
    )
    logged = dict(
        project.sandbox.rows(f"select userId, followers from {project.database}.user_metrics where followers != 0")
    )
    corrections = [
        f"('User', {user}, 0, 'Follower', {counted.get(user, 0) - logged.get(user, 0)}, now64(3))"
        for user in counted | logged
        if counted.get(user, 0) != logged.get(user, 0)
    ]
    assert len(corrections) == 3
    columns = "entityType, entityId, userId, metricType, metricValue, createdAt"
    project.sandbox.client.query(f"insert into {project.event_log} ({columns}) values {', '.join(corrections)}")


@pytest.fixture
def built(published: ParsedProject) -> ParsedProject:
    """A log with history and live events, and its marts."""
    published.dbt("seed", "--select", "engagement_weights")
    published.run("tag:marts")
    repair_followers(published)
    return published


def test_user_metrics_are_what_postgres_counts_of_each_user(built: ParsedProject) -> None:
    columns = built.sandbox.client.query(f"select * from {built.database}.user_metrics")
    counted = set(columns.column_names) - {"userId", "engagementScore"}
    # Each is more than 0 for some user, so that there is something to compare.
    sums = {name: sum(column) for name, column in zip(columns.column_names, columns.result_columns, strict=True)}
    assert {name for name in counted if not sums[name] > 0} == set()

    output = built.dbt("test", "--select", COUNTED)
    assert "differing" not in output
    assert f"PASS {COUNTED}" in output

    # As if all articles had other users, a donation had come twice and a download had got lost.
    run, database = built.sandbox.command, built.database
    run(f"alter table {database}.stg_article update userId = userId + 1 where true settings mutations_sync = 1")
    run(
        f"insert into {database}.stg_donation select * from {database}.stg_donation"
        f" where userId in (select id from {database}.stg_user) limit 1"
    )
    run(
        f"alter table {built.event_log} delete where (entityType, entityId, metricType, createdAt) = ("
        f"select ('Model', entityId, 'Download', createdAt) from {built.event_log} where entityType = 'Model'"
        " and metricType = 'Download' order by entityId, createdAt limit 1) settings mutations_sync = 1"
    )
    built.run("path:models/marts/totals")
    assert "differing" in built.dbt("test", "--select", COUNTED, fails=True)
    differing = dict(built.sandbox.rows(f"select problem, differing from {database}_failures.{COUNTED}"))
    assert differing.pop("articles") > 10
    expected = {"tipCountGiven": 1, "tipAmountGiven": 1, "downloads": 1, "followers": 0, "images": 0}
    assert expected == {name: differing.get(name, 0) for name in expected}


def test_engagement_of_the_last_30_days_is_weighed_by_metric_and_belongs_to_who_made_it(built: ParsedProject) -> None:
    run, database = built.sandbox.command, built.database

    def score(user: int) -> Decimal:
        return built.sandbox.value(f"select engagementScore from {database}.user_metrics where userId = {user}")

    ((model, maker),) = built.sandbox.rows(f"select id, userId from {database}.stg_model order by id limit 1")
    ((image, artist),) = built.sandbox.rows(
        f"select id, userId from {database}.stg_image where userId != {maker} order by id limit 1"
    )
    before = score(maker), score(artist)
    run(
        f"""
        insert into {built.event_log} (entityType, entityId, userId, metricType, metricValue, createdAt)
        select kind, id, 1, metric, value, now64(3, 'UTC') - toIntervalSecond(age)
        from values(
            'kind String, id Int32, metric String, value Int32, age Int64',
            ('Model', {model}, 'Download', 1, 60),
            ('Model', {model}, 'Generation', 40, 29 * 86400),
            ('Model', {model}, 'ThumbsUp', 1, 30 * 86400 - 600),
            ('Model', {model}, 'Comment', 1, 30 * 86400 + 1),
            ('Model', {model}, 'Unheard', 1, 60),
            ('ModelVersion', {model}, 'Download', 1, 60),
            ('Image', {image}, 'ReactionHeart', 1, 60),
            ('Image', {image}, 'Comment', -1, 60),
            ('Article', {image}, 'Comment', 1, 60)
        )
        """
    )
    # One download, one generation event and one thumb; one heart less one comment.
    assert (score(maker) - before[0], score(artist) - before[1]) == (Decimal("3.1"), Decimal("-1"))
    built.dbt("test", "--select", WEIGHED)
    run(f"alter table {database}.stg_model update userId = {artist} where id = {model} settings mutations_sync = 1")
    output = built.dbt("test", "--select", WEIGHED, fails=True)
    assert re.search(rf"differing 2, users \d+, worst user ({maker}|{artist}), ", output)
