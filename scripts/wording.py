"""Numbers in what scripts print."""


def how_many(number: int, noun: str) -> str:
    """A number with what it counts: 1 key, 2,000 keys, 3 entities."""
    plural = f"{noun[:-1]}ies" if noun.endswith("ty") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
