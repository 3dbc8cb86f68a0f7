"""``archstats-sensor``: the composition root's front door.

A daemon must start fast and stay small, so ``run DEVICE`` never imports what only people need (typer, rich).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from edge.common.config.errors import EX_CONFIG, CommandError, ConfigError
from edge.common.process.logs import complain


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status.

    78 where the configuration is at fault, 69 where the database is away, 1 where a command is refused.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words[:1] == ["run"] and not {"--help", "-h"} & set(words):
            from edge.cli.daemons.sensor import run_from_words

            sys.exit(run_from_words(words[1:]))
        from edge.cli.app import app

        app(words, prog_name="archstats-sensor")
    except ConfigError as fault:
        complain("archstats-sensor", f"{fault.message}. {fault.hint}")
        sys.exit(EX_CONFIG)
    except CommandError as fault:
        sys.stderr.write(f"archstats-sensor: {fault.message}. {fault.hint}\n")
        sys.exit(fault.status)


if __name__ == "__main__":
    main()
