"""Commands in advice, as a person types them on this machine: ``./dev exec`` in a clone, ``sudo`` on an installed hub.

Messages name a command between backticks, like archstats-sensor db migrate; the prefix is added where they are shown.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
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


SESSION_VALUES: Final = """
    t.distance::float8 as distance, t.max_x as butt_width, t.max_y as butt_height, s.is_indoor, s.arrows_per_end,
    nullif(s.rule_set, 'wa') as rules,
    (select coalesce(json_agg(json_build_array(name, code, x, y) order by name, number), '[]') from (
        select name, min(code) as code, avg(x) as x, avg(y) as y, number
        from (select *, substring(human_identifier from ' ([0-9])$') as number from faces where target_id = t.id) spots
        group by name, number
    ) whole) as faces,
    (select coalesce(json_agg(json_build_array(letter, face, bow_device_id, archers.name) order by letter), '[]')
        from slots left join archers on (archers.id, archers.hub_id) = (slots.archer_id, slots.hub_id)
        where slots.session_id = s.id) as slots
"""
"""Columns of ``SessionValues`` for a session ``s`` and its target ``t``."""
PLAIN_NAME: Final = "1"
"""Name of the first face of a butt without a name of its own."""


@dataclass(frozen=True, slots=True)
class SessionValues:
    """The values of a session that decide scores and ends; None where it is not known."""

    distance: float | None = None
    """Metres."""
    faces: Sequence[Sequence[str | float]] = ()
    """Name, code and centre of each face as it was asked for, millimetres from the lower left of the butt."""
    is_indoor: bool | None = None
    arrows_per_end: int | None = None
    butt_width: float | None = None
    """Millimetres."""
    butt_height: float | None = None
    slots: Sequence[Sequence[str | None]] = ()
    """Letter, name of the face, device on the bow, and archer of each slot."""
    rules: str | None = None
    """Code of the rules; None for the usual ones."""


def open_command(lane: int, last: SessionValues) -> str:
    """The command that opens a session on a lane like its ``last`` one; words in capitals are to be filled in.

    The command's own defaults may be another distance and another face, and give wrong scores.
    """
    words = ["archstats-sensor session open", f"--lane {lane}"]
    words.append("--distance METRES" if last.distance is None else f"--distance {last.distance:g}")
    words += _face_words(last)
    if last.is_indoor is not None:
        words.append("--indoor" if last.is_indoor else "--outdoor")
    if last.arrows_per_end is not None:
        words.append(f"--arrows-per-end {last.arrows_per_end}")
    for option, side in (("--butt-width", last.butt_width), ("--butt-height", last.butt_height)):
        if side not in (None, USUAL_BUTT_MM):
            words.append(f"{option} {side:g}")
    for letter, face, bow, archer in last.slots:
        # At a centre a device bears the number of its hub; the command is typed on the hub.
        device = "" if bow is None else f",bow={bow.rpartition('/')[2]}"
        name = "" if archer is None else f",archer={archer}"
        words.append(f"--slot {shlex.quote(f'{letter}={face}{device}{name}')}")
    if last.rules is not None:
        words.append(f"--rules {last.rules}")
    return " ".join(words)


def _face_words(last: SessionValues) -> list[str]:
    """The options that place the faces."""
    return [f"--face {text}" for text in face_texts(last)] or ["--face FACE"]


def face_texts(last: SessionValues) -> list[str]:
    """The faces of a session as ``--face`` takes them; a single one in the middle needs its code alone. Pure."""
    if not last.faces:
        return []
    (name, code, x, y), *others = last.faces
    in_middle = (
        last.butt_width is None or last.butt_height is None or (x, y) == (last.butt_width / 2, last.butt_height / 2)
    )
    if name == PLAIN_NAME and in_middle and not others:
        return [str(code)]
    return [f"{name}={code}@{x:.10g},{y:.10g}" for name, code, x, y in last.faces]
