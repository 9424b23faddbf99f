#!/usr/bin/env python
"""A real PostgreSQL, ClickHouse and Valkey for this repository, from Python wheels, on loopback ports."""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import sys
from pathlib import Path

# This file has the package's name, so the package's folder comes first.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sandbox.commands import main

if __name__ == "__main__":
    main()
