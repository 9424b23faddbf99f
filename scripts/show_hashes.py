#!/usr/bin/env python
"""Print a hash of each kind that is in Redis: the most downloaded model, its owner, and who reacted most."""

import click
import redis

from connect_postgres import clickhouse_from_environment, environment
from metrics_cache.push import Source
from sandbox_lib.clickhouse_http import ClickHouseError

SAMPLES = {
    "entity:metrics:Model:": "select entityId from entity_metric_totals where entityType = 'Model' "
    "and metricType = 'Download' order by total desc limit 1",
    "user:metrics:": "select userId from user_metrics order by downloads desc limit 1",
    "reactions:": "select userId from user_image_reactions group by userId order by count() desc limit 1",
}
FIELDS = 5


@click.command()
def main() -> None:
    """Print one hash of each kind, with its first fields."""
    source = Source(*clickhouse_from_environment())
    try:
        with redis.Redis.from_url(environment()["REDIS_URL"], decode_responses=True) as client:
            for prefix, sample in SAMPLES.items():
                key = prefix + source.query(sample).strip()
                fields = client.hgetall(key)
                click.echo(f"{key} ({len(fields)} fields)")
                for name, value in sorted(fields.items())[:FIELDS]:
                    click.echo(f"    {name:<16} {value}")
    except (ClickHouseError, redis.RedisError) as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
