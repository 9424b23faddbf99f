"""Ctrl-C ends a script with one line and exit code 130."""

import os
import signal
import sys
from contextlib import suppress

MESSAGE = b"Interrupted.\n"


def catch() -> None:
    """From here on. Scripts call it before they import what takes long; where the signal is ignored, it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def _end(*_: object) -> None:
    """Leave by way of all that is under way, so that it is given back."""
    # The terminal has just shown ^C. The signal may come in the middle of a print, and two are not to meet.
    with suppress(OSError):
        os.write(2, b"\n" + MESSAGE if os.isatty(2) else MESSAGE)
    sys.exit(128 + signal.SIGINT)
