"""Ctrl-C ends a script with one line and exit code 130. Scripts call catch() before they import what takes long."""

import os
import signal
import sys
from contextlib import suppress

MESSAGE = b"Interrupted.\n"


def catch() -> None:
    """End by Ctrl-C like that from here on. A signal that is ignored stays ignored."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def say() -> None:
    """Print the line."""
    # The terminal has just shown ^C. os.write() also works if the signal interrupts a print.
    with suppress(OSError):
        os.write(2, b"\n" + MESSAGE if os.isatty(2) else MESSAGE)


def _end(*_: object) -> None:
    """Leave by an exception, so that files and connections are closed."""
    say()
    sys.exit(128 + signal.SIGINT)
