"""The process that is the sandbox's ClickHouse: the engine inside chDB, serving its own HTTP interface.

chDB carries ClickHouse's complete HTTP handler. `SYSTEM START LISTEN HTTP` opens it, on the port and with the users
that config.xml and users.xml name, and it stays open while the engine lives: that is, while the last statement below
waits for a pipe that ends when this process is told to stop. Sessions, settings in the URL, parameters, compression,
formats, query_id, system.processes and kill query are therefore ClickHouse's own; nothing is imitated here.

That last statement is always in system.processes, with an empty user; `kill query` cannot end it, and with `sync`
would wait for it, so conditions for `kill query` must not match it.

The native port, by which the nodes of a cluster reach each other, opens in the same way.

Usage: clickhouse_server.py CONFIG_FOLDER DATA_FOLDER PROTOCOL…, which are http and tcp
"""

import os
import signal
import sys
import threading
from typing import NoReturn

from chdb import _chdb

STATEMENTS = """
create database if not exists default;
{listen}
/* keeps the server open */ select count() from file('/dev/fd/{pipe}', 'LineAsString', 'line String')
"""

PATIENCE = 1.0


def serve(config_folder: str, data_folder: str, *protocols: str) -> NoReturn:
    """Listen until told to stop."""
    # The engine reads config.xml in the current folder; importing chdb opens an engine too, hence only now.
    os.chdir(config_folder)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    reading, writing = os.pipe()
    failures: list[BaseException] = []

    def run() -> None:
        try:
            listen = "\n".join(f"system start listen {protocol};" for protocol in protocols)
            _chdb.query(STATEMENTS.format(listen=listen, pipe=reading), "TabSeparated", path=data_folder)
        except BaseException as error:
            failures.append(error)
        finally:
            stopping.set()

    engine = threading.Thread(target=run, daemon=True)
    engine.start()
    stopping.wait()
    asked_to_stop = engine.is_alive()
    os.close(writing)
    engine.join(PATIENCE)
    for failure in failures:
        print(failure, file=sys.stderr, flush=True)
    # The engine would wait for idle connections. Its files hold what it has acknowledged.
    os._exit(0 if asked_to_stop else 1)


if __name__ == "__main__":
    serve(*sys.argv[1:])
