"""A real terminal for tests of what a person sees and types."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
from conftest import REPO

INTERRUPTED = 128 + signal.SIGINT


class Terminal:
    """A command in the foreground of a terminal of its own."""

    def __init__(self, *command: str | Path, env: dict[str, str] | None = None) -> None:
        self.fd, inside = os.openpty()
        self.shown = ""

        def take_terminal() -> None:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            # Background jobs, as a test run may be, have it ignored.
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        self.process = subprocess.Popen(
            [str(word) for word in command],
            cwd=REPO,
            env=os.environ | (env or {}),
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=take_terminal,
        )
        os.close(inside)
        os.set_blocking(self.fd, False)

    def read(self) -> None:
        """Takes what is shown by now."""
        # No more yet, or nobody holds its other end any more.
        with suppress(OSError):
            while data := os.read(self.fd, 65536):
                self.shown += data.decode(errors="replace").replace("\r\n", "\n")

    def wait_for(self, condition: Callable[[], object], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, self.shown
            self.read()
            time.sleep(0.02)

    def shows(self, pattern: str) -> Callable[[], object]:
        return lambda: re.search(pattern, self.shown, re.M)

    def children(self) -> list[str]:
        return [" ".join(child.cmdline()) for child in psutil.Process(self.process.pid).children(recursive=True)]

    def whole(self) -> str:
        """All that is shown until the command ends."""
        self.wait_for(lambda: self.process.poll() is not None)
        self.read()
        os.close(self.fd)
        return self.shown

    def ctrl_c(self) -> list[str]:
        """Types it. Returns the lines that follow; those of python -X importtime tell only when to type it."""
        before = len(self.shown)
        os.write(self.fd, b"\x03")
        after = self.whole()[before:].replace("^C", "\n").splitlines()
        # ^C may stand within such a line.
        lines = [line for line in after if not ("import time:" in line or "import time:".startswith(line.strip()))]
        assert self.process.returncode == INTERRUPTED, lines
        return lines
