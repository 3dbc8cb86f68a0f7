"""``python -m tests.faults --seed S --minutes M``: one chaos run with its table; exit status 1 when a promise is broken."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.chaos_run import run_chaos, table


def main() -> int:
    """Run with the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="A simulated range under many faults.")
    parser.add_argument("--seed", type=int, default=1, help="seed of the archers and of the faults (1)")
    parser.add_argument("--minutes", type=float, default=1.0, help="duration of the fault injection (1)")
    parser.add_argument("--keep", action="store_true", help="keep the folder with database and logs")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="as-", dir="/tmp"))  # the path of a socket must be short
    try:
        run = asyncio.run(run_chaos(folder, options.seed, options.minutes, print_line))
        for line in table(run):
            print_line(line)
        return 0 if run.verdict.is_clean else 1
    finally:
        if options.keep:
            print_line(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def print_line(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
