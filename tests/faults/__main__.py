"""``python -m tests.faults --seed S --minutes M``: one run under fire, with its table; exit status 1 when a promise broke."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.chaos_run import fight
from tests.faults.table import table


def main() -> int:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="A simulated range under fire.")
    parser.add_argument("--seed", type=int, default=1, help="of the archer and of the faults (1)")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long faults are dealt (1)")
    parser.add_argument("--keep", action="store_true", help="leave the folder with database and logs")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="as-", dir="/tmp"))  # a socket's path must be short
    try:
        battle = asyncio.run(fight(folder, asked.seed, asked.minutes, tell))
        for line in table(battle):
            tell(line)
        return 0 if battle.verdict.is_clean else 1
    finally:
        if asked.keep:
            tell(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def tell(line: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
