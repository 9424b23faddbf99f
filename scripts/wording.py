"""Numbers and tables in what scripts write."""

from collections.abc import Iterable, Sequence


def how_many(number: int, noun: str) -> str:
    """A number with what it counts: 1 key, 2,000 keys, 3 entities."""
    plural = f"{noun[:-1]}ies" if noun.endswith("ty") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def markdown_table(*columns: str, rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
