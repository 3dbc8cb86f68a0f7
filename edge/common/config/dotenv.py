"""Read ``.env`` of the working folder, which is how settings are given in development."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from edge.common.config.errors import ConfigError
from edge.common.config.settings import PREFIX, known_variables

NAME = ".env"

_LINE = re.compile(r"(?:export\s+)?(\w+)\s*=\s*(.*)", re.DOTALL)
_QUOTED = re.compile(r"""(['"])(.*)\1(?:\s+\#.*)?""")
_COMMENT = re.compile(r"(?:^|\s+)#.*")


def read_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """``environ`` and what a ``.env`` in ``folder`` adds to it; a variable in both has the value of ``environ``.

    Of the file only ``ARCH_STATS_*`` and the ``POSTGRES_*`` variables we know are taken, for it may belong to others
    too. Raises ConfigError when the file, or a line of it, cannot be understood.
    """
    file = folder / NAME
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return dict(environ)
    except (OSError, UnicodeDecodeError) as fault:
        raise ConfigError(f"{file} cannot be read ({fault})", hint="Mend it, or move it away") from fault
    known = known_variables()
    found = parse(text, file)
    return {**{name: value for name, value in found.items() if name in known or name.startswith(PREFIX)}, **environ}


def parse(text: str, file: Path) -> dict[str, str]:
    """Lines of ``NAME=value``. The value may be in quotes, in which nothing has a meaning; `` #`` begins a comment.

    Raises ConfigError naming the line, but not what it holds: it may be a secret.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        parts = _LINE.fullmatch(stripped)
        if parts is None:
            raise ConfigError(f"line {number} of {file} is not NAME=value", hint="Mend it, or put a # before it")
        quoted = _QUOTED.fullmatch(parts[2])
        found[parts[1]] = quoted[2] if quoted else _COMMENT.sub("", parts[2])
    return found
