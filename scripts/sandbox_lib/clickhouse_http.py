"""Send one statement to ClickHouse over HTTP with nothing but the standard library."""

import http.client
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode


class ClickHouseError(Exception):
    """What the server answered instead of a result, or why it could not be reached."""


@dataclass(frozen=True)
class ClickHouse:
    """Where a ClickHouse server listens, and who logs in."""

    host: str
    port: int
    user: str
    password: str
    secure: bool = False


@contextmanager
def stream(
    server: ClickHouse, statement: str, timeout: float = 60, **settings: str
) -> Iterator[http.client.HTTPResponse]:
    """Run one statement and read its result as it comes; settings as for execute()."""
    scheme = "https" if server.secure else "http"
    url = f"{scheme}://{server.host}:{server.port}/" + (f"?{urlencode(settings)}" if settings else "")
    login = b64encode(f"{server.user}:{server.password}".encode()).decode()
    request = urllib.request.Request(url, statement.encode(), {"Authorization": f"Basic {login}"})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            yield response
    except urllib.error.HTTPError as error:
        raise ClickHouseError(error.read().decode(errors="replace").strip()) from error
    except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise ClickHouseError(f"ClickHouse at {server.host}:{server.port} does not answer: {reason}") from error


def execute(server: ClickHouse, statement: str, timeout: float = 60, **settings: str) -> str:
    """Run one statement; URL parameters (settings, database, param_*) are given as keywords."""
    with stream(server, statement, timeout, **settings) as response:
        return response.read().decode()


def quoted(text: str) -> str:
    """A string literal of ClickHouse."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quoted_name(name: str) -> str:
    """An identifier of ClickHouse."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
