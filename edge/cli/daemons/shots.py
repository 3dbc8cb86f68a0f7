"""``archstats-shots``: assembles readings into shots until stopped."""

from __future__ import annotations

from collections.abc import Sequence

from edge.cli.daemons.serve import serve
from edge.common.postgres.roles import Role
from edge.shots.service import run_shots


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve and exit with the status."""
    serve("archstats-shots", "Turns readings into shots.", Role.SHOTS, lambda _environ: run_shots, arguments)


if __name__ == "__main__":
    main()
