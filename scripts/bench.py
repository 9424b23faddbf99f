#!/usr/bin/env python
"""Measure speed: all jobs side by side, the backfill beside a floor and beside what is usually written."""

if __name__ == "__main__":
    import interrupts

    interrupts.catch()

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.commands import main

if __name__ == "__main__":
    main()
