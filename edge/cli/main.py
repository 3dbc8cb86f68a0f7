"""``archstats-sensor``: the front door of the composition root.

``run DEVICE`` imports neither typer nor rich, so that a daemon starts fast and stays small; ``--version`` imports nearly
nothing, and ``--help`` no command.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from edge.common.config.errors import EX_CONFIG, EXIT_REFUSED, CommandError, ConfigError
from edge.common.console import complain as print_error
from edge.common.process.logs import complain

COMPLETION_OPTIONS = {"--install-completion", "--show-completion"}
"""Options of typer's own, which write to the home folder."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its status.

    0 when done, 78 when the configuration is wrong, 69 when the database is away, 1 when a command is refused, 2 when it was
    mistyped.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words == ["--version"]:
            from edge.cli.programs import version_text

            sys.stdout.write(version_text() + "\n")
            sys.exit(0)
        if words[:1] == ["run"] and not {"--help", "-h"} & set(words):
            from edge.cli.daemons.sensor import run_from_words

            sys.exit(run_from_words(words[1:]))
        from edge.cli.app import app

        app(words or ["--help"], prog_name="archstats-sensor")  # words that typer coerces make it load pydantic
    except ConfigError as fault:
        complain("archstats-sensor", f"{fault.message}. {fault.hint}")
        sys.exit(EX_CONFIG)
    except (OSError, RuntimeError, UnicodeError) as fault:
        if not COMPLETION_OPTIONS & set(words):
            raise
        print_error(
            f"archstats-sensor: the completion cannot be installed ({fault}). Set HOME to a folder that this user may write to,"
            " or store the output of `archstats-sensor --show-completion` yourself."
        )
        sys.exit(EXIT_REFUSED)
    except CommandError as fault:
        print_error(f"archstats-sensor: {fault.message}. {fault.hint}")
        sys.exit(fault.status)


if __name__ == "__main__":
    main()
