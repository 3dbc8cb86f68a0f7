"""Write a file for the user of a command: never over another one unless that is asked for."""

from __future__ import annotations

import os
from pathlib import Path

from edge.common.config.errors import CommandError


def write_output(path: Path, content: bytes, *, force: bool) -> None:
    """Write a new file; with ``force`` also over one that exists. Raises CommandError when it cannot be written."""
    try:
        with path.open("wb" if force else "xb") as file:
            file.write(content)
    except FileExistsError:
        raise CommandError(
            f"{path} exists already, so nothing was written", hint="Give another --output, or --force to replace it."
        ) from None
    except OSError as fault:
        raise CommandError(
            f"{path} cannot be written ({fault.strerror or os.strerror(fault.errno or 0)})",
            hint="Give another --output.",
        ) from fault
