"""Commands in advice, as a person types them on this machine: ``./dev exec`` in a clone, ``sudo`` on an installed hub.

Messages name a command between backticks, like archstats-sensor db migrate; the prefix is added where they are shown.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from edge.common.config.env_file import INSTALLED_PROGRAM

USUAL_BUTT_MM: Final = 1240.0
"""Side of a butt that no option gives."""
_COMMAND: Final = re.compile(r"`(?=archstats-(?:sensor|shots|push)\b)")


@lru_cache(maxsize=1)
def command_prefix() -> str:
    """The words before a command of ours, with a blank at the end; empty where it is on the PATH."""
    return prefix_for(Path(sys.prefix))


def prefix_for(environment: Path) -> str:
    """The same for a program that runs from this Python environment."""
    if environment.name == ".venv" and (environment.parent / "dev").is_file():
        return "./dev exec "
    return "sudo " if str(environment).startswith(str(INSTALLED_PROGRAM)) else ""


def as_typed(text: str) -> str:
    """The text with the prefix before each command of ours that stands between backticks."""
    return _COMMAND.sub(lambda _: f"`{command_prefix()}", text)


@dataclass(frozen=True, slots=True)
class SessionValues:
    """The values of a session that decide scores and ends; None where it is not known."""

    distance: float | None = None
    """Metres."""
    face: str | None = None
    """Code of the face."""
    is_indoor: bool | None = None
    arrows_per_end: int | None = None
    butt_width: float | None = None
    """Millimetres."""
    butt_height: float | None = None


def open_command(lane: int, last: SessionValues) -> str:
    """The command that opens a session on a lane like its ``last`` one; words in capitals are to be filled in.

    The command's own defaults may be another distance and another face, and give wrong scores.
    """
    words = ["archstats-sensor session open", f"--lane {lane}"]
    words.append("--distance METRES" if last.distance is None else f"--distance {last.distance:g}")
    words.append(f"--face {last.face or 'FACE'}")
    if last.is_indoor is not None:
        words.append("--indoor" if last.is_indoor else "--outdoor")
    if last.arrows_per_end is not None:
        words.append(f"--arrows-per-end {last.arrows_per_end}")
    for option, side in (("--butt-width", last.butt_width), ("--butt-height", last.butt_height)):
        if side not in (None, USUAL_BUTT_MM):
            words.append(f"{option} {side:g}")
    return " ".join(words)
