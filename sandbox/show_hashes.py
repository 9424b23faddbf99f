"""Print a hash of each kind that is in Redis: the most downloaded model, its owner, and who reacted most."""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import click
import redis

import targets
from wording import how_many

KEYS = (
    "select key from entity_hashes where entityType = 'Model' order by fields['Download'] desc limit 1",
    "select key from user_hashes order by fields['downloads'] desc limit 1",
    "select key from reaction_hashes order by length(fields) desc limit 1",
)
FIELDS = 5


@click.command()
@targets.target_option()
def main(target: str) -> None:
    """Print one hash of each kind, with its first fields."""
    targets.require(target, "clickhouse", "redis")
    with (
        targets.clickhouse(target) as client,
        redis.Redis.from_url(targets.redis_url(target), decode_responses=True) as cache,
        targets.server_errors(target),
    ):
        for key in map(client.command, KEYS):
            try:
                fields = cache.hgetall(key)
            except redis.RedisError as error:
                raise click.ClickException(f"Redis: {error}") from None
            click.echo(f"{key} ({how_many(len(fields), 'field')})")
            for name, value in sorted(fields.items())[:FIELDS]:
                click.echo(f"    {name:<16} {value}")
    click.echo(targets.clickhouse_address(target))


if __name__ == "__main__":
    main()
