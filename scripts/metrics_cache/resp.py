"""The protocol of Redis, as text that ClickHouse puts together and as bytes that are read here."""

from sandbox_lib.clickhouse_http import quoted


def bulk(text: str) -> str:
    """A word of a command."""
    return f"${len(text.encode())}\r\n{text}\r\n"


def command(name: str, *, words: int) -> str:
    """The beginning of a command that as many words follow."""
    return f"*{1 + words}\r\n{bulk(name)}"


MULTI = command("MULTI", words=0)
EXEC = command("EXEC", words=0)


def literal(text: str) -> str:
    """A string literal of ClickHouse, line ends written out."""
    return quoted(text).replace("\r\n", "\\r\\n")


def bulk_expression(expression: str) -> str:
    """The SQL that makes a word of a command of a string expression."""
    return rf"concat('$', toString(length({expression})), '\r\n', {expression}, '\r\n')"


def commands(data: bytes) -> list[list[bytes]]:
    """The commands that the bytes are. Raises ValueError where they do not end with the end of one."""
    found, position = [], 0

    def number(kind: bytes) -> int:
        nonlocal position
        end = data.index(b"\r\n", position)
        if data[position : position + 1] != kind:
            raise ValueError(f"{kind!r} expected")
        start, position = position + 1, end + 2
        return int(data[start:end])

    while position < len(data):
        words = []
        for _ in range(number(b"*")):
            length = number(b"$")
            words.append(data[position : position + length])
            position += length + 2
            if data[position - 2 : position] != b"\r\n":
                raise ValueError("a word is cut off")
        found.append(words)
    return found
