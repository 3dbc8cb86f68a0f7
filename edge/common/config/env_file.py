"""Env files: reads the files that systemd reads too (``EnvironmentFile=``), writes their lines, and reads ``.env`` in development.

One parser reads them all. A file that systemd would read differently, or ignore in part, is refused.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Final

from edge.common.config.env_parser import ESCAPABLE, NAME, LineCause, is_text, parse_env
from edge.common.config.errors import ConfigError

DEVELOPMENT_FILE: Final = ".env"
"""Name of the settings file that is read from the working directory in development."""
INSTALLED_PROGRAM: Final = Path("/opt/archstats")
"""Environment of the installed programs of a hub, whose settings are in ``/etc/archstats``."""
MOST_REPORTED: Final = 5
"""Faulty lines of one file that are reported: a file in a wrong encoding has one on every line."""

_BARE = re.compile(r"[A-Za-z0-9_@%+=:,./-]*", re.ASCII)
"""Values that mean the same with and without quotes."""
_REMEDIES: Final = {
    LineCause.NO_ASSIGNMENT: "Correct the line, or make it a comment with # as its first character.",
    LineCause.BYTE_ORDER_MARK: "Save the file as UTF-8 without a byte order mark.",
    LineCause.OPEN_QUOTE: "Close the quote at the end of the value.",
    LineCause.NOT_TEXT: "Save the file as UTF-8.",
    LineCause.CONTINUED_COMMENT: "Remove the backslash at the end of the comment.",
}


def read_env_file(file: Path) -> dict[str, str]:
    """The values in ``file``. Raises ConfigError for each line that cannot be used, and OSError as reading a file does.

    A message names file and line and does not repeat the line, which may hold a secret.
    """
    parsed = parse_env(file.read_bytes())
    if parsed.faults:
        raise ConfigError.merge(
            [
                ConfigError(f"line {fault.line} of {file.absolute()} {fault.cause}", hint=_REMEDIES[fault.cause])
                for fault in parsed.faults[:MOST_REPORTED]
            ]
        )
    return parsed.values


def format_assignment(name: str, value: str) -> str:
    """One assignment that :func:`read_env_file` and systemd read back exactly. Raises ValueError for what no file can hold."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a variable")
    if not all(map(is_text, value)):
        raise ValueError(f"the value of {name} is not UTF-8 text")
    if _BARE.fullmatch(value):
        return f"{name}={value}"
    if "'" not in value:
        return f"{name}='{value}'"
    escaped = "".join(f"\\{character}" if character in ESCAPABLE else character for character in value)
    return f'{name}="{escaped}"'


def apply_development_file(environ: MutableMapping[str, str], folder: Path) -> None:
    """Add the settings of ``.env`` in ``folder`` to ``environ``; a variable that is set already keeps its value.

    Does nothing for an installed program, in a systemd unit, or in a child of ``--simulate``: these have their settings from
    elsewhere. Raises ConfigError when the file cannot be read or understood.
    """
    if _has_prepared_environment(environ):
        return
    for name, value in read_development_file(folder).items():
        environ.setdefault(name, value)


def read_development_file(folder: Path) -> dict[str, str]:
    """The settings in ``.env`` of ``folder``; empty without that file.

    Only ``ARCH_STATS_*`` and the ``POSTGRES_*`` variables of this project are taken, because other programs may use the file
    too. Raises ConfigError when the file, or a line of it, cannot be understood.
    """
    file = folder / DEVELOPMENT_FILE
    try:
        values = read_env_file(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as fault:
        raise ConfigError(
            f"{file.absolute()} cannot be read ({fault})", hint="Correct the file, or move it away."
        ) from fault
    from edge.common.config.settings import PREFIX, known_variables  # without the file no program loads them for it

    known = known_variables()
    return {name: value for name, value in values.items() if name in known or name.startswith(PREFIX)}


def _has_prepared_environment(environ: Mapping[str, str]) -> bool:
    """Whether systemd, the hub's command or ``--simulate`` has set the environment of this process."""
    is_unit = environ.get("SYSTEMD_EXEC_PID") == str(os.getpid()) or bool(environ.get("NOTIFY_SOCKET"))
    installed = INSTALLED_PROGRAM.resolve()
    return is_unit or bool(environ.get("ARCH_STATS_PARENT")) or Path(sys.prefix).resolve() == installed
